// statsd in front of Graphite. The namespaces are those that the dashboard and the alerts read.
{
  graphiteHost: "127.0.0.1",
  graphitePort: 2003,
  servers: [{ server: "./servers/udp", address: "0.0.0.0", port: 8125 }],
  flushInterval: 10000, // ms; the finest retention in ../graphite/storage-schemas.conf
  percentThreshold: [50, 99],
  deleteGauges: true, // a process that is gone leaves a gap, not its last value for ever
  graphite: { legacyNamespace: false },
}
