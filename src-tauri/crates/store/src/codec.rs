//! Registers as few bytes: what the document beside them shows is not stored again.
//!
//! One register is a byte of flags, its path, its order and its log row unless they are those of
//! the register before, and its value unless the document shows it verbatim at the path.
//! Numbers are LEB128. The first byte is the format's number.

use std::sync::Arc;

use bivouac_journal::clock::Order;
use bivouac_journal::json::Json;
use bivouac_journal::merge::{ObjectState, Register};
use bivouac_journal::operation::{alive, dead};
use bivouac_journal::path::Path;
use rusqlite::Connection;

use crate::document::{Parts, is_taken};
use crate::error::{Error, Result};
use crate::names::Names;

const FORMAT: u8 = 1;

const SAME_ORDER: u8 = 1;
const INVALID: u8 = 2;
const VALUE: u8 = 0b0001_1100;
const ABSENT: u8 = 0;
const SHOWN: u8 = 1 << 2;
const OWN: u8 = 2 << 2;
const TRUE: u8 = 3 << 2;
const FALSE: u8 = 4 << 2;

/// Writes registers beside the document that they show.
pub(crate) fn encode(
    connection: &Connection,
    names: &mut Names,
    state: &ObjectState,
    document: &str,
) -> Result<Vec<u8>> {
    if state.is_empty() {
        return Ok(Vec::new());
    }
    let parts = Parts::of(document);
    encode_with(connection, names, state, &|path, value| parts.get(path) == Some(value))
}

/// As [`encode`], beside a document of [`crate::document::shown_verbatim`].
pub(crate) fn encode_shown(connection: &Connection, names: &mut Names, state: &ObjectState) -> Result<Vec<u8>> {
    encode_with(connection, names, state, &|path, _| !is_taken(path))
}

fn encode_with(
    connection: &Connection,
    names: &mut Names,
    state: &ObjectState,
    is_shown: &dyn Fn(&Path, &str) -> bool,
) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(64);
    out.push(FORMAT);
    let mut last: Option<(&Order, i64)> = None;
    for (path, register) in state.registers() {
        let same = last.is_some_and(|(order, row)| *order == register.order && row == register.row);
        let value = match &register.value {
            None => ABSENT,
            Some(value) if value.as_str() == "true" => TRUE,
            Some(value) if value.as_str() == "false" => FALSE,
            Some(value) if is_shown(path, value.as_str()) => SHOWN,
            Some(_) => OWN,
        };
        let order = &register.order;
        out.push(value | if same { SAME_ORDER } else { 0 } | if order.valid { 0 } else { INVALID });
        put(&mut out, names.number(connection, path.as_stored())?.unsigned_abs());
        if !same {
            put(&mut out, order.wall);
            put(&mut out, u64::from(order.counter));
            put(&mut out, names.number(connection, &order.id)?.unsigned_abs());
            put(&mut out, u64::from(order.index));
            put(&mut out, register.row.unsigned_abs());
        }
        if let (OWN, Some(text)) = (value, &register.value) {
            let bytes = text.as_str().as_bytes();
            put(&mut out, bytes.len() as u64);
            out.extend_from_slice(bytes);
        }
        last = Some((order, register.row));
    }
    Ok(out)
}

/// Reads registers back; the values come from `document` where they were left there.
pub(crate) fn decode(
    connection: &Connection,
    names: &mut Names,
    blob: &[u8],
    document: &Arc<str>,
) -> Result<ObjectState> {
    let mut registers = Vec::with_capacity(8);
    let Some((format, mut rest)) = blob.split_first() else { return Ok(ObjectState::default()) };
    if *format != FORMAT {
        return Err(damaged());
    }
    let parts = Parts::of(document);
    let mut last: Option<(Order, i64)> = None;
    while let Some((flags, after)) = rest.split_first() {
        rest = after;
        let path = names.path(connection, number(&mut rest)?)?;
        let (order, row) = match last.take() {
            Some(same) if flags & SAME_ORDER != 0 => same,
            Some(_) | None => {
                let (wall, counter) = (get(&mut rest)?, get(&mut rest)?);
                let id = names.text(connection, number(&mut rest)?)?;
                let index = small(get(&mut rest)?)?;
                let valid = flags & INVALID == 0;
                let row = number(&mut rest)?;
                (Order { valid, wall, counter: small(counter)?, id, index }, row)
            }
        };
        let value = match flags & VALUE {
            ABSENT => None,
            TRUE => Some(alive()),
            FALSE => Some(dead()),
            SHOWN => Some(Json::inside(document, parts.get(&path).ok_or_else(damaged)?)),
            OWN => Some(own(&mut rest)?),
            _ => return Err(damaged()),
        };
        last = Some((order.clone(), row));
        registers.push((path, Register { order, value, row }));
    }
    Ok(ObjectState::from_registers(registers.into_iter().collect()))
}

fn own(rest: &mut &[u8]) -> Result<Json> {
    let length = usize::try_from(get(rest)?).map_err(|_| damaged())?;
    let (text, after) = rest.split_at_checked(length).ok_or_else(damaged)?;
    *rest = after;
    Ok(Json::trusted(std::str::from_utf8(text).map_err(|_| damaged())?))
}

pub(crate) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

pub(crate) fn get(rest: &mut &[u8]) -> Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first().ok_or_else(damaged)?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(damaged())
}

fn number(rest: &mut &[u8]) -> Result<i64> {
    i64::try_from(get(rest)?).map_err(|_| damaged())
}

fn small(number: u64) -> Result<u32> {
    u32::try_from(number).map_err(|_| damaged())
}

fn damaged() -> Error {
    Error::Damaged("the registers of an object cannot be read".to_owned())
}
