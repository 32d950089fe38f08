//! Typed parameters: libvirt's way to return an open set of named values.

/// The value of one typed parameter, by libvirt's seven types.
#[derive(Clone, PartialEq, Debug)]
pub enum TypedValue {
    Int(i32),
    UInt(u32),
    LLong(i64),
    ULLong(u64),
    Double(f64),
    Boolean(bool),
    String(String),
}

/// One named value; `field` has at most 79 bytes (`VIR_TYPED_PARAM_FIELD_LENGTH` with its NUL).
#[derive(Clone, PartialEq, Debug)]
pub struct TypedParam {
    pub field: String,
    pub value: TypedValue,
}

impl TypedParam {
    pub fn new(field: &str, value: TypedValue) -> TypedParam {
        TypedParam { field: field.to_owned(), value }
    }

    pub fn string(field: &str, value: &str) -> TypedParam {
        TypedParam::new(field, TypedValue::String(value.to_owned()))
    }

    pub fn ullong(field: &str, value: u64) -> TypedParam {
        TypedParam::new(field, TypedValue::ULLong(value))
    }
}
