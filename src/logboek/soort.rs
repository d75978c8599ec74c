//! The words for what happened (soort), in one table. A new one goes there; nothing else follows it.

use serde::{Deserialize, Serialize};

/// Writes each name once, so that the JSON, `as_str` and `ALL` cannot drift apart.
macro_rules! soorten {
    ($($(#[$meta:meta])* $name:ident = $text:literal,)*) => {
        /// What happened (soort). Source: design, section 6.
        #[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Soort {
            $($(#[$meta])* #[serde(rename = $text)] $name,)*
        }

        impl Soort {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word that stands in the log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }
        }
    };
}

soorten! {
    #[default]
    Gestart = "gestart",
    Aanvaard = "aanvaard",
    Geweigerd = "geweigerd",
    Afgeleverd = "afgeleverd",
    Bevestigd = "bevestigd",
    Geraadpleegd = "geraadpleegd",
    Ingetrokken = "ingetrokken",
    Vervallen = "vervallen",
    Vernietigd = "vernietigd",
    VernietigingGevraagd = "vernietiging_gevraagd",
    VernietigingBevestigd = "vernietiging_bevestigd",
    Ingezien = "ingezien",
    Geexporteerd = "geexporteerd",
    OpeningenGewist = "openingen_gewist",
    ConvenantGewijzigd = "convenant_gewijzigd",
    PartnerGewijzigd = "partner_gewijzigd",
    SleutelGewisseld = "sleutel_gewisseld",
    SleutelVernietigd = "sleutel_vernietigd",
    LogHersteld = "log_hersteld",
    Beheerd = "beheerd",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_design_and_of_the_json() {
        let design = "gestart, aanvaard, geweigerd, afgeleverd, bevestigd, geraadpleegd, \
            ingetrokken, vervallen, vernietigd, vernietiging_gevraagd, vernietiging_bevestigd, \
            ingezien, geexporteerd, openingen_gewist, convenant_gewijzigd, partner_gewijzigd, \
            sleutel_gewisseld, sleutel_vernietigd, log_hersteld, beheerd";
        let words: Vec<_> = Soort::ALL.iter().map(|soort| soort.as_str()).collect();
        assert_eq!(words.join(", "), design);
        for soort in Soort::ALL {
            let json = format!("\"{}\"", soort.as_str());
            assert_eq!(serde_json::to_string(soort).unwrap(), json);
            assert_eq!(serde_json::from_str::<Soort>(&json).unwrap(), *soort);
        }
        serde_json::from_str::<Soort>("\"Aanvaard\"").unwrap_err();
    }
}
