/// A type of Avro. Others are named by their place among all types of a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    /// Its fields, in their order.
    Record(Vec<(String, usize)>),
    /// Its symbols.
    Enum(Vec<String>),
    /// That of its items.
    Array(usize),
    /// That of its values.
    Map(usize),
    Union(Vec<usize>),
    /// So many bytes.
    Fixed(usize),
    /// Days since 1970.
    Date,
    /// A count of these nanoseconds since 1970, or in local time.
    Timestamp {
        unit: i64,
        is_local: bool,
    },
    /// A whole number, the high bytes first, less so many digits; of a fixed size, or behind its length.
    Decimal {
        scale: u32,
        size: Option<usize>,
    },
}

impl Type {
    /// The primitive type of a name.
    pub fn primitive(name: &str) -> Option<Self> {
        Some(match name {
            "null" => Self::Null,
            "boolean" => Self::Boolean,
            "int" => Self::Int,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "bytes" => Self::Bytes,
            "string" => Self::String,
            _ => return None,
        })
    }

    /// What a type means with a logical type; one that is not known, or does not fit, means nothing.
    pub fn logical(self, name: &str, scale: u32) -> Self {
        let timestamp = |unit, is_local| Self::Timestamp { unit, is_local };
        match (&self, name) {
            (Self::Int, "date") => Self::Date,
            (Self::Long, "timestamp-millis") => timestamp(1_000_000, false),
            (Self::Long, "timestamp-micros") => timestamp(1_000, false),
            (Self::Long, "timestamp-nanos") => timestamp(1, false),
            (Self::Long, "local-timestamp-millis") => timestamp(1_000_000, true),
            (Self::Long, "local-timestamp-micros") => timestamp(1_000, true),
            (Self::Long, "local-timestamp-nanos") => timestamp(1, true),
            (Self::Bytes, "decimal") => Self::Decimal { scale, size: None },
            (Self::Fixed(size), "decimal") => Self::Decimal {
                scale,
                size: Some(*size),
            },
            _ => self,
        }
    }
}
