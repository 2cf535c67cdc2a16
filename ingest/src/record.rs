/// One message of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// When the hub took it, in nanoseconds since 1970.
    pub arrival: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its headers in order; empty where no field asks for one.
    pub headers: Vec<(&'a str, &'a [u8])>,
    /// Its payload; none where it has none, or one without bytes.
    pub body: Option<&'a [u8]>,
}
