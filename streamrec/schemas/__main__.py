"""Write the schema files anew."""

from streamrec.schemas import write_schemas

write_schemas()
