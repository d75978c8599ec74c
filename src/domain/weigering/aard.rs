//! What a weigering says: of which field, and what kind of answer it is.

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtreding {
    /// Path of the field, in proto names: `inhoud.betrokkenen[0].bsn`.
    pub veld: String,
    /// What is asked of it. Never its value.
    pub uitleg: String,
}

impl Overtreding {
    /// A field, and what is asked of it.
    pub fn new(veld: impl Into<String>, uitleg: impl Into<String>) -> Self {
        Self { veld: veld.into(), uitleg: uitleg.into() }
    }
}

/// What kind of answer a weigering is; `grpc::status` gives each its gRPC code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aard {
    /// The request itself is wrong: mend it.
    Ongeldig,
    /// This is not allowed.
    Verboden,
    /// What is named does not exist, or not for you.
    Onbekend,
    /// Right in itself, not in this state.
    Toestand,
    /// Was used before.
    Bestaat,
    /// Too much: wait.
    Teveel,
    /// The gateway cannot do it now: repeat with the same `request_id`.
    Onbeschikbaar,
    /// There is no such method.
    GeenMethode,
    /// The client's time ran out.
    TeLaat,
}

/// What is fixed of a weigering.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The code in the logboek, `lower_snake`.
    pub code: &'static str,
    /// What kind of answer it is.
    pub aard: Aard,
    /// What is wrong and what to do, in Dutch.
    pub uitleg: &'static str,
    /// The same in English.
    pub explanation: &'static str,
}
