//! Where a log row comes from and how far it has come, as words and as numbers in the database.

macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $number:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$each])* $variant),+ }

        impl $name {
            /// The number in the database.
            #[must_use]
            pub fn number(self) -> i64 {
                match self { $($name::$variant => $number),+ }
            }

            /// Reads the number in the database.
            #[must_use]
            pub fn from_number(number: i64) -> Option<Self> {
                match number { $($number => Some($name::$variant),)+ _ => None }
            }
        }

        impl rusqlite::types::ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
                Ok(self.number().into())
            }
        }

        impl rusqlite::types::FromSql for $name {
            fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                let number = value.as_i64()?;
                Self::from_number(number).ok_or(rusqlite::types::FromSqlError::OutOfRange(number))
            }
        }
    };
}
pub(crate) use numbered;

numbered! {
    /// Where a log row comes from.
    Origin {
        /// From somebody else in the room.
        Foreign = 0,
        /// Our own edit with its local clock (M8).
        Local = 1,
        /// Our own operation as it was sent (M8).
        Wire = 2,
        /// From a document of the server (M11).
        Server = 3,
    }
}

numbered! {
    /// How far an edit has come; told of local rows, and `Unsaved` of foreign ones.
    SaveState {
        /// Nothing to say.
        None = 0,
        /// Committed on this laptop.
        Local = 1,
        /// In a frame that was sent.
        Sent = 2,
        /// Its frame came back from the server.
        Echoed = 3,
        /// In a save that is provisional (rule 19).
        Saved = 4,
        /// Read back twice.
        Verified = 5,
        /// Replaced by a later write of our own.
        Superseded = 6,
        /// Lost to another's write of another value.
        Lost = 7,
        /// Foreign, and saved by nobody as far as we know (rule 27).
        Unsaved = 8,
    }
}
