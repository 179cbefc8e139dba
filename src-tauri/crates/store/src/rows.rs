//! Which rows of the log speak of an object: a few bytes beside its registers.
//!
//! An index over the whole log would have to be written at a random place for each operation;
//! this is written where the object is written anyway. A row that left the log stays listed, and
//! its number may have been given to another one: whoever reads the list looks at what it finds.

use crate::codec::{get, put};
use crate::error::Result;

/// The numbers of rows, in the order in which they were appended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RowList {
    /// Each row's distance from the one before, zigzag, as LEB128.
    bytes: Vec<u8>,
    last: i64,
}

impl RowList {
    pub fn read(bytes: Vec<u8>) -> Result<Self> {
        let mut list = Self { bytes, last: 0 };
        list.last = list.rows()?.last().copied().unwrap_or(0);
        Ok(list)
    }

    pub fn push(&mut self, row: i64) {
        let distance = row.wrapping_sub(self.last);
        put(&mut self.bytes, ((distance << 1) ^ (distance >> 63)).cast_unsigned());
        self.last = row;
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn rows(&self) -> Result<Vec<i64>> {
        let (mut rest, mut row, mut rows) = (self.bytes.as_slice(), 0_i64, Vec::new());
        while !rest.is_empty() {
            let distance = get(&mut rest)?;
            row = row.wrapping_add((distance >> 1).cast_signed() ^ -(distance & 1).cast_signed());
            rows.push(row);
        }
        Ok(rows)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_back_as_they_were_appended() {
        let rows = [1, 2, 2, 70_000, 69_000, 3, i64::MAX, 0, 9];
        let mut list = RowList::default();
        for row in rows {
            list.push(row);
        }
        let mut read = RowList::read(list.as_bytes().to_vec()).unwrap();
        assert_eq!(read.rows().unwrap(), rows);
        read.push(12);
        assert_eq!(read.rows().unwrap().last(), Some(&12));
        assert!(RowList::read(vec![0x80]).is_err());
    }
}
