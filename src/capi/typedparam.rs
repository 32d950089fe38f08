//! Typed parameters: the functions that C has for them, and their way into Rust and back.

use std::ffi::{c_char, c_double, c_int, c_longlong, c_uint, c_ulonglong, CStr};
use std::str::FromStr;
use std::{mem, ptr, slice};

use super::alloc::{self, Array};
use super::ctypes::{_virTypedParameterValue as Value, virTypedParameter, virTypedParameterPtr, VIR_TYPED_PARAM_FIELD_LENGTH};
use super::entry::{entry, Call, Outcome};
use super::forward::hand_over;
use crate::model::{code, from, Error, Result, TypedParam, TypedValue};

/// `virTypedParameterType`.
pub mod kind {
    pub const INT: i32 = 1;
    pub const UINT: i32 = 2;
    pub const LLONG: i32 = 3;
    pub const ULLONG: i32 = 4;
    pub const DOUBLE: i32 = 5;
    pub const BOOLEAN: i32 = 6;
    pub const STRING: i32 = 7;

    /// What messages call it.
    pub fn name(kind: i32) -> &'static str {
        ["unknown", "int", "uint", "llong", "ullong", "double", "boolean", "string"]
            .get(usize::try_from(kind).unwrap_or(0))
            .copied()
            .unwrap_or("unknown")
    }
}

/// A parameter that a function takes.
pub struct Known {
    pub field: &'static str,
    pub kind: i32,
    pub multiple: bool,
}

/// A parameter that may be given once.
pub const fn once(field: &'static str, kind: i32) -> Known {
    Known { field, kind, multiple: false }
}

/// The name of a parameter, which ends at its NUL or with its field.
fn field_of(param: &virTypedParameter) -> &[u8] {
    // SAFETY: the same bytes under an unsigned type.
    let bytes = unsafe { slice::from_raw_parts(param.field.as_ptr().cast::<u8>(), VIR_TYPED_PARAM_FIELD_LENGTH) };
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Reads the parameters that C hands in, and checks them against those that the function takes.
///
/// # Errors
/// `ARGUMENT_UNSUPPORTED` for one that is not known, `INVALID_ARG` for a wrong type or one that is given twice.
///
/// # Safety
/// `params` points to `count` parameters.
pub unsafe fn read(params: virTypedParameterPtr, count: usize, known: &[Known]) -> Result<Vec<TypedParam>> {
    let mut read: Vec<TypedParam> = Vec::new();
    for at in 0..count {
        // SAFETY: as the caller says.
        let param = unsafe { &*params.add(at) };
        let field = String::from_utf8_lossy(field_of(param)).into_owned();
        let Some(expected) = known.iter().find(|known| known.field == field) else {
            return Err(Error::new(code::ARGUMENT_UNSUPPORTED, format!("parameter '{field}' not supported")));
        };
        if param.r#type != expected.kind {
            let (given, wanted) = (kind::name(param.r#type), kind::name(expected.kind));
            return Err(Error::invalid_arg(format!("invalid type '{given}' for parameter '{field}', expected '{wanted}'")));
        }
        if !expected.multiple && read.iter().any(|other| other.field == field) {
            return Err(Error::invalid_arg(format!("parameter '{field}' occurs multiple times")));
        }
        // SAFETY: its type was checked, so the union holds a value of that type.
        let value = unsafe { value_of(param) }?;
        read.push(TypedParam { field, value });
    }
    Ok(read)
}

/// # Safety
/// The union holds what the type says.
unsafe fn value_of(param: &virTypedParameter) -> Result<TypedValue> {
    // SAFETY: as the caller says.
    unsafe {
        Ok(match param.r#type {
            kind::INT => TypedValue::Int(param.value.i),
            kind::UINT => TypedValue::UInt(param.value.ui),
            kind::LLONG => TypedValue::LLong(param.value.l),
            kind::ULLONG => TypedValue::ULLong(param.value.ul),
            kind::DOUBLE => TypedValue::Double(param.value.d),
            kind::BOOLEAN => TypedValue::Boolean(param.value.b != 0),
            kind::STRING if !param.value.s.is_null() => {
                let text = CStr::from_ptr(param.value.s).to_str();
                TypedValue::String(text.map_err(|_| Error::invalid_arg("a string parameter is not valid UTF-8"))?.to_owned())
            }
            kind::STRING => return Err(Error::invalid_arg("a string parameter is NULL")),
            other => return Err(Error::invalid_arg(format!("a parameter has the unknown type {other}"))),
        })
    }
}

/// The value of a string among parameters that were read.
pub fn string<'a>(params: &'a [TypedParam], field: &str) -> Option<&'a str> {
    params.iter().find(|param| param.field == field).and_then(|param| match &param.value {
        TypedValue::String(text) => Some(text.as_str()),
        _ => None,
    })
}

/// The value of an unsigned number among parameters that were read.
pub fn number(params: &[TypedParam], field: &str) -> Option<u64> {
    params.iter().find(|param| param.field == field).and_then(|param| match param.value {
        TypedValue::ULLong(number) => Some(number),
        TypedValue::UInt(number) => Some(number.into()),
        _ => None,
    })
}

/// A parameter of the same name and value in C's form; the string in it is a copy.
///
/// # Errors
/// `INTERNAL_ERROR` for a name that is too long; `NO_MEMORY`.
pub fn to_c(field: &str, value: &TypedValue) -> Result<virTypedParameter> {
    let mut param = named(field)?;
    (param.r#type, param.value) = match value {
        TypedValue::Int(i) => (kind::INT, Value { i: *i }),
        TypedValue::UInt(ui) => (kind::UINT, Value { ui: *ui }),
        TypedValue::LLong(l) => (kind::LLONG, Value { l: *l }),
        TypedValue::ULLong(ul) => (kind::ULLONG, Value { ul: *ul }),
        TypedValue::Double(d) => (kind::DOUBLE, Value { d: *d }),
        TypedValue::Boolean(b) => (kind::BOOLEAN, Value { b: c_char::from(*b) }),
        TypedValue::String(text) => (kind::STRING, Value { s: alloc::string(text)? }),
    };
    Ok(param)
}

/// A parameter with a name and no value yet.
fn named(field: &str) -> Result<virTypedParameter> {
    if field.len() >= VIR_TYPED_PARAM_FIELD_LENGTH || field.as_bytes().contains(&0) {
        return Err(Error::internal(format!("Field name '{field}' too long")));
    }
    // SAFETY: all zeros is a value of this struct.
    let mut param: virTypedParameter = unsafe { mem::zeroed() };
    for (to, from) in param.field.iter_mut().zip(field.bytes()) {
        *to = from as c_char;
    }
    Ok(param)
}

/// An array of parameters under construction.
pub fn array() -> Array<virTypedParameter> {
    Array::new(free_value)
}

unsafe fn free_value(param: virTypedParameter) {
    if param.r#type == kind::STRING {
        // SAFETY: a string parameter owns its string.
        unsafe { alloc::free(param.value.s) };
    }
}

/// Copies parameters into an array for C, to be released with virTypedParamsFree.
///
/// # Errors
/// As [`to_c`].
pub fn array_of(params: &[TypedParam]) -> Result<(virTypedParameterPtr, usize)> {
    let mut array = array();
    for param in params {
        array.push(to_c(&param.field, &param.value)?)?;
    }
    Ok(array.release())
}

/// Releases the strings of parameters, not the array.
///
/// # Safety
/// `params` is NULL or points to `count` parameters that own their strings.
pub unsafe fn clear(params: virTypedParameterPtr, count: usize) {
    if params.is_null() {
        return;
    }
    for at in 0..count {
        // SAFETY: as the caller says.
        unsafe {
            let param = &mut *params.add(at);
            if param.r#type == kind::STRING {
                alloc::free(mem::replace(&mut param.value.s, ptr::null_mut()));
            }
        }
    }
}

/// Finds a parameter by its name.
///
/// # Safety
/// `params` is NULL or points to `count` parameters; `name` is NULL or a C string.
unsafe fn find(params: virTypedParameterPtr, count: c_int, name: *const c_char) -> virTypedParameterPtr {
    if params.is_null() || name.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: a C string, says the caller.
    let name = unsafe { CStr::from_ptr(name) }.to_bytes();
    // SAFETY: so many parameters are there, says the caller.
    let mut all = (0..usize::try_from(count).unwrap_or(0)).map(|at| unsafe { params.add(at) });
    all.find(|&param| field_of(unsafe { &*param }) == name).unwrap_or(ptr::null_mut())
}

/// Finds a parameter by its name. Sets no error.
///
/// Returns a pointer into @params, or NULL if there is none of that name.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGet(params: virTypedParameterPtr, nparams: c_int, name: *const c_char) -> virTypedParameterPtr {
    hand_over!(virTypedParamsGet(params, nparams, name));
    // SAFETY: as the caller says.
    unsafe { find(params, nparams, name) }
}

/// Looks a parameter up for one of the functions below: `Ok(None)` if it is not there.
unsafe fn get(params: virTypedParameterPtr, count: c_int, name: *const c_char, wanted: i32) -> Outcome<Option<Value>> {
    // SAFETY: as the caller says.
    let Some(param) = (unsafe { find(params, count, name).as_ref() }) else { return Ok(None) };
    if param.r#type != wanted {
        let field = String::from_utf8_lossy(field_of(param));
        let (wanted, actual) = (kind::name(wanted), kind::name(param.r#type));
        return Err(
            Error::invalid_arg(format!("Invalid type '{wanted}' requested for parameter '{field}', actual type is '{actual}'")).into()
        );
    }
    Ok(Some(param.value))
}

/// Finishes one of the getters: 1 and the value, or 0.
fn got<T>(call: &Call, found: Option<Value>, place: *mut T, member: impl FnOnce(Value) -> T) -> Outcome<bool> {
    let there = found.is_some();
    if let Some(value) = found {
        call.maybe_out(place).set(member(value));
    }
    Ok(there)
}

/// Stores the value of an int parameter in @value, unless that is NULL.
///
/// Returns 1 if it is there, 0 if not, -1 if it has another type.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGetInt(
    params: virTypedParameterPtr,
    nparams: c_int,
    name: *const c_char,
    value: *mut c_int,
) -> c_int {
    hand_over!(virTypedParamsGetInt(params, nparams, name, value));
    entry(from::NONE, "virTypedParamsGetInt", |call| unsafe { got(call, get(params, nparams, name, kind::INT)?, value, |found| found.i) })
}

/// Stores the value of an unsigned int parameter in @value, unless that is NULL.
///
/// Returns 1 if it is there, 0 if not, -1 if it has another type.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGetUInt(
    params: virTypedParameterPtr,
    nparams: c_int,
    name: *const c_char,
    value: *mut c_uint,
) -> c_int {
    hand_over!(virTypedParamsGetUInt(params, nparams, name, value));
    entry(from::NONE, "virTypedParamsGetUInt", |call| unsafe {
        got(call, get(params, nparams, name, kind::UINT)?, value, |found| found.ui)
    })
}

/// Stores the value of a long long parameter in @value, unless that is NULL.
///
/// Returns 1 if it is there, 0 if not, -1 if it has another type.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGetLLong(
    params: virTypedParameterPtr,
    nparams: c_int,
    name: *const c_char,
    value: *mut c_longlong,
) -> c_int {
    hand_over!(virTypedParamsGetLLong(params, nparams, name, value));
    entry(from::NONE, "virTypedParamsGetLLong", |call| unsafe {
        got(call, get(params, nparams, name, kind::LLONG)?, value, |found| found.l)
    })
}

/// Stores the value of an unsigned long long parameter in @value, unless that is NULL.
///
/// Returns 1 if it is there, 0 if not, -1 if it has another type.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGetULLong(
    params: virTypedParameterPtr,
    nparams: c_int,
    name: *const c_char,
    value: *mut c_ulonglong,
) -> c_int {
    hand_over!(virTypedParamsGetULLong(params, nparams, name, value));
    entry(from::NONE, "virTypedParamsGetULLong", |call| unsafe {
        got(call, get(params, nparams, name, kind::ULLONG)?, value, |found| found.ul)
    })
}

/// Stores the value of a double parameter in @value, unless that is NULL.
///
/// Returns 1 if it is there, 0 if not, -1 if it has another type.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGetDouble(
    params: virTypedParameterPtr,
    nparams: c_int,
    name: *const c_char,
    value: *mut c_double,
) -> c_int {
    hand_over!(virTypedParamsGetDouble(params, nparams, name, value));
    entry(from::NONE, "virTypedParamsGetDouble", |call| unsafe {
        got(call, get(params, nparams, name, kind::DOUBLE)?, value, |found| found.d)
    })
}

/// Stores the value of a boolean parameter, 0 or 1, in @value, unless that is NULL.
///
/// Returns 1 if it is there, 0 if not, -1 if it has another type.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGetBoolean(
    params: virTypedParameterPtr,
    nparams: c_int,
    name: *const c_char,
    value: *mut c_int,
) -> c_int {
    hand_over!(virTypedParamsGetBoolean(params, nparams, name, value));
    entry(from::NONE, "virTypedParamsGetBoolean", |call| unsafe {
        got(call, get(params, nparams, name, kind::BOOLEAN)?, value, |found| c_int::from(found.b != 0))
    })
}

/// Stores the value of a string parameter in @value, unless that is NULL. The string stays the parameter's.
///
/// Returns 1 if it is there, 0 if not, -1 if it has another type.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsGetString(
    params: virTypedParameterPtr,
    nparams: c_int,
    name: *const c_char,
    value: *mut *const c_char,
) -> c_int {
    hand_over!(virTypedParamsGetString(params, nparams, name, value));
    entry(from::NONE, "virTypedParamsGetString", |call| unsafe {
        got(call, get(params, nparams, name, kind::STRING)?, value, |found| found.s.cast_const())
    })
}

/// An array of the application's that grows.
struct Growing {
    params: *mut virTypedParameterPtr,
    count: *mut c_int,
    room: *mut c_int,
}

impl Growing {
    /// Appends a parameter.
    ///
    /// # Safety
    /// The three pointers are NULL or valid, and the array has the room that is said.
    unsafe fn add(&self, call: &Call, name: *const c_char, value: TypedValue) -> Outcome<()> {
        call.given(!self.params.is_null(), "params")?;
        call.given(!self.count.is_null(), "nparams")?;
        call.given(!self.room.is_null(), "maxparams")?;
        // SAFETY: as the caller says.
        let name = unsafe { call.text(name, "name") }?;
        let param = to_c(name, &value)?;
        // SAFETY: as the caller says; reserve() makes room for one more.
        unsafe {
            if let Err(error) = self.reserve() {
                free_value(param);
                return Err(error.into());
            }
            (*self.params).add(*self.count as usize).write(param);
            *self.count += 1;
        }
        Ok(())
    }

    /// Makes room for one more, by half of what there is.
    unsafe fn reserve(&self) -> Result<()> {
        // SAFETY: as the caller says.
        let (count, room) = unsafe { (*self.count, *self.room) };
        let negative = || Error::invalid_arg("the number of parameters is negative");
        let (count, room) = (usize::try_from(count).map_err(|_| negative())?, usize::try_from(room).map_err(|_| negative())?);
        // SAFETY: as the caller says.
        let there = unsafe { !(*self.params).is_null() };
        if !there && count > 0 {
            return Err(Error::invalid_arg(format!("{count} parameters are counted, but there are none")));
        }
        if there && count < room {
            return Ok(());
        }
        let larger = count + count / 2 + 1;
        let too_many = || Error::new(code::OVERFLOW, "too many parameters");
        let stored = c_int::try_from(larger).map_err(|_| too_many())?;
        // SAFETY: the array is NULL or came from malloc.
        unsafe {
            *self.params = alloc::resize(*self.params, larger)?;
            *self.room = stored;
        }
        Ok(())
    }
}

/// Appends an int parameter to *@params, which has @nparams parameters and room for @maxparams; all three are updated.
/// Start with NULL, 0 and 0, and release with virTypedParamsFree.
///
/// Returns 0, or -1 on error.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddInt(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    value: c_int,
) -> c_int {
    hand_over!(virTypedParamsAddInt(params, nparams, maxparams, name, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddInt", |call| unsafe { array.add(call, name, TypedValue::Int(value)) })
}

/// Appends an unsigned int parameter. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddUInt(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    value: c_uint,
) -> c_int {
    hand_over!(virTypedParamsAddUInt(params, nparams, maxparams, name, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddUInt", |call| unsafe { array.add(call, name, TypedValue::UInt(value)) })
}

/// Appends a long long parameter. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddLLong(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    value: c_longlong,
) -> c_int {
    hand_over!(virTypedParamsAddLLong(params, nparams, maxparams, name, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddLLong", |call| unsafe { array.add(call, name, TypedValue::LLong(value)) })
}

/// Appends an unsigned long long parameter. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddULLong(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    value: c_ulonglong,
) -> c_int {
    hand_over!(virTypedParamsAddULLong(params, nparams, maxparams, name, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddULLong", |call| unsafe { array.add(call, name, TypedValue::ULLong(value)) })
}

/// Appends a double parameter. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddDouble(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    value: c_double,
) -> c_int {
    hand_over!(virTypedParamsAddDouble(params, nparams, maxparams, name, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddDouble", |call| unsafe { array.add(call, name, TypedValue::Double(value)) })
}

/// Appends a boolean parameter: true unless @value is 0. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddBoolean(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    value: c_int,
) -> c_int {
    hand_over!(virTypedParamsAddBoolean(params, nparams, maxparams, name, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddBoolean", |call| unsafe { array.add(call, name, TypedValue::Boolean(value != 0)) })
}

/// Appends a string parameter with a copy of @value; NULL counts as the empty string. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddString(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    value: *const c_char,
) -> c_int {
    hand_over!(virTypedParamsAddString(params, nparams, maxparams, name, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddString", |call| unsafe {
        let text = call.optional_text(value, "value")?.unwrap_or_default();
        array.add(call, name, TypedValue::String(text.to_owned()))
    })
}

/// Appends one string parameter of the same name for each of @values, which ends with NULL. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddStringList(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    values: *mut *const c_char,
) -> c_int {
    hand_over!(virTypedParamsAddStringList(params, nparams, maxparams, name, values));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddStringList", |call| unsafe {
        let mut at = values;
        while !at.is_null() && !(*at).is_null() {
            let text = call.text(*at, "values")?;
            array.add(call, name, TypedValue::String(text.to_owned()))?;
            at = at.add(1);
        }
        Ok(())
    })
}

/// Appends a parameter of @type with what @value says in decimal, or true, false, 1 or 0. See virTypedParamsAddInt.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsAddFromString(
    params: *mut virTypedParameterPtr,
    nparams: *mut c_int,
    maxparams: *mut c_int,
    name: *const c_char,
    r#type: c_int,
    value: *const c_char,
) -> c_int {
    hand_over!(virTypedParamsAddFromString(params, nparams, maxparams, name, r#type, value));
    let array = Growing { params, count: nparams, room: maxparams };
    entry(from::NONE, "virTypedParamsAddFromString", |call| unsafe {
        let field = call.text(name, "name")?;
        let text = call.optional_text(value, "value")?;
        let text = text.ok_or_else(|| Error::invalid_arg(format!("NULL value for field '{field}'")))?;
        array.add(call, name, parse(field, r#type, text)?)
    })
}

/// Reads a value from its text. As in C, -1 stands for the largest unsigned number.
fn parse(field: &str, kind: i32, text: &str) -> Result<TypedValue> {
    fn number<T: FromStr>(field: &str, text: &str, what: &str) -> Result<T> {
        // The C functions that this is compatible with skip blanks in front.
        let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
        text.parse().map_err(|_| Error::invalid_arg(format!("Invalid value for field '{field}': expected {what}")))
    }
    Ok(match kind {
        kind::INT => TypedValue::Int(number(field, text, "int")?),
        kind::UINT => TypedValue::UInt(match text.strip_prefix('-') {
            Some(below_zero) => number::<u32>(field, below_zero, "unsigned int")?.wrapping_neg(),
            None => number(field, text, "unsigned int")?,
        }),
        kind::LLONG => TypedValue::LLong(number(field, text, "long long")?),
        kind::ULLONG => TypedValue::ULLong(match text.strip_prefix('-') {
            Some(below_zero) => number::<u64>(field, below_zero, "unsigned long long")?.wrapping_neg(),
            None => number(field, text, "unsigned long long")?,
        }),
        kind::DOUBLE => TypedValue::Double(number(field, text, "double")?),
        kind::BOOLEAN if text == "1" || text.eq_ignore_ascii_case("true") => TypedValue::Boolean(true),
        kind::BOOLEAN if text == "0" || text.eq_ignore_ascii_case("false") => TypedValue::Boolean(false),
        kind::BOOLEAN => return Err(Error::invalid_arg(format!("Invalid boolean value for field '{field}'"))),
        kind::STRING => TypedValue::String(text.to_owned()),
        other => return Err(Error::internal(format!("unexpected type {other} for field {field}"))),
    })
}

/// Releases the strings of @params, but not the array. NULL is harmless.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsClear(params: virTypedParameterPtr, nparams: c_int) {
    hand_over!(virTypedParamsClear(params, nparams));
    // SAFETY: as the caller says.
    unsafe { clear(params, usize::try_from(nparams).unwrap_or(0)) };
}

/// Releases @params and the strings in it. NULL is harmless.
#[no_mangle]
pub unsafe extern "C" fn virTypedParamsFree(params: virTypedParameterPtr, nparams: c_int) {
    hand_over!(virTypedParamsFree(params, nparams));
    // SAFETY: as the caller says.
    unsafe {
        clear(params, usize::try_from(nparams).unwrap_or(0));
        alloc::free(params);
    }
}

#[cfg(test)]
mod tests;
