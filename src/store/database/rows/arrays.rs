//! Columns as arrays of PostgreSQL.

use super::cell::Cell;

/// All cells of one column, for PostgreSQL.
#[derive(Default)]
pub(in crate::store) struct OneColumn {
    /// The values. Of bytes: where each value begins, counted from 1.
    pub(in crate::store) values: Array,
    /// Of bytes: how many each value has.
    pub(in crate::store) lengths: Array,
    /// All bytes, one value after the other.
    pub(in crate::store) bytes: Vec<u8>,
}

impl OneColumn {
    pub(in crate::store) fn push(&mut self, cell: Cell) {
        match cell {
            Cell::Null => {
                self.values.push("NULL");
                self.lengths.push("NULL");
            }
            Cell::Int(number) => self.values.push(&number.to_string()),
            Cell::Text(text) => self.values.push_quoted(&text),
            Cell::Bytes(bytes) => {
                self.values.push(&(self.bytes.len() + 1).to_string());
                self.lengths.push(&bytes.len().to_string());
                self.bytes.extend(bytes);
            }
        }
    }
}

/// An array of PostgreSQL as text (manual, "Array Input and Output Syntax").
pub(in crate::store) struct Array(String);

impl Default for Array {
    fn default() -> Self {
        Self("{".to_owned())
    }
}

impl Array {
    fn comma(&mut self) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
    }

    fn push(&mut self, plain: &str) {
        self.comma();
        self.0.push_str(plain);
    }

    fn push_quoted(&mut self, text: &str) {
        self.comma();
        self.0.push('"');
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                self.0.push('\\');
            }
            self.0.push(c);
        }
        self.0.push('"');
    }

    pub(in crate::store) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_text_holds_is_one_element() {
        let mut array = Array::default();
        array.push_quoted("a\"b\\c, {}");
        array.push("NULL");
        assert_eq!(array.end(), r#"{"a\"b\\c, {}",NULL}"#);
    }
}
