//! Twijfel (doubt): what is wrong with the clock, in words.

use std::fmt;

/// Why the wall clock is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Twijfel {
    /// It was set since it was last believed; so many seconds ahead (or back, when negative).
    Sprong {
        /// How far.
        seconds: i64,
    },
    /// The machine was started since, and so many days have passed since the last thing that is known.
    Vooruit {
        /// How many, whole days.
        days: i64,
    },
    /// It stands before the last regel of the logboek.
    Achter {
        /// How far.
        seconds: i64,
    },
    /// It is too far from the clock of the database.
    Database {
        /// How far.
        seconds: i64,
    },
}

/// For the process log.
impl fmt::Display for Twijfel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sprong { seconds } => write!(
                f,
                "it was set by {seconds} s since it was last believed; set it right, or confirm it with: ketenpoort beheer klok --geloof"
            ),
            Self::Vooruit { days } => write!(
                f,
                "this machine was started since, and the clock is {days} days after the last regel; set it right, or confirm it with: ketenpoort beheer klok --geloof"
            ),
            Self::Achter { seconds } => {
                write!(
                    f,
                    "it stands {seconds} s before the last regel of the logboek; set it right, or wait until then"
                )
            }
            Self::Database { seconds } => {
                write!(f, "it is {seconds} s from the clock of the database; set both right (NTP)")
            }
        }
    }
}

impl Twijfel {
    /// What is wrong and what to do, in Dutch.
    #[must_use]
    pub fn uitleg(&self) -> String {
        match self {
            Self::Sprong { seconds } => format!(
                "de klok is {seconds} s verzet sinds zij voor het laatst klopte. Zet haar goed; klopt zij nu juist wel, bevestig dat dan met beheer klok --geloof"
            ),
            Self::Vooruit { days } => format!(
                "de machine is opnieuw gestart en de klok staat {days} dagen na de laatste regel. Zet haar goed; klopt zij, bevestig dat dan met beheer klok --geloof"
            ),
            Self::Achter { seconds } => format!(
                "de klok staat {seconds} s voor de laatste regel van het logboek, en de tijd loopt daarin nooit terug. Zet haar goed, of wacht tot dat moment"
            ),
            Self::Database { seconds } => {
                format!("de klok staat {seconds} s af van die van de database. Zet beide gelijk (NTP)")
            }
        }
    }

    /// Whether the word of an operator ends it. Against the logboek or the database no word helps.
    #[must_use]
    pub fn ends_by_word(&self) -> bool {
        matches!(self, Self::Sprong { .. } | Self::Vooruit { .. })
    }
}
