"""The settings of what is kept, and their defaults as a deployment writes them."""

from streamrec.cli.training.retention_settings import RetentionSettings

RETENTION = {
    f"STREAMREC_RETENTION_{name}".upper(): f"{getattr(RetentionSettings(), name):g}"
    for name in RetentionSettings.model_fields
}
