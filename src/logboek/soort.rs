//! The words for what happened (soort), in one table. A new one goes there; nothing else follows it.

use serde::{Deserialize, Serialize};

/// Writes each name once, so that the JSON, `as_str` and `ALL` cannot drift apart.
macro_rules! soorten {
    ($($(#[$meta:meta])* $name:ident = $text:literal,)*) => {
        /// What happened (soort).
        #[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Soort {
            $($(#[$meta])* #[serde(rename = $text)] $name,)*
            /// A word of a later writer, which this one does not know.
            #[serde(other, rename = "onbekend")]
            Onbekend,
        }

        impl Soort {
            /// Every soort that this gateway knows, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word that stands in the log.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Onbekend => "onbekend",
                }
            }
        }
    };
}

soorten! {
    /// The gateway started.
    #[default]
    Gestart = "gestart",
    /// A bericht was accepted for this ontvanger.
    Aanvaard = "aanvaard",
    /// A call or bericht was refused, at sending or at delivery; with `aantal`, so many calls in one minute.
    Geweigerd = "geweigerd",
    /// A bericht was handed out to its ontvanger; `poging` counts how often.
    Afgeleverd = "afgeleverd",
    /// The ontvanger acknowledged a bericht.
    Bevestigd = "bevestigd",
    /// The ontvanger read a bericht again.
    Geraadpleegd = "geraadpleegd",
    /// The afzender withdrew a bericht.
    Ingetrokken = "ingetrokken",
    /// The houdbaarheid of a bericht has passed: nobody gets its content any more.
    Vervallen = "vervallen",
    /// The content ended for an ontvanger: replaced by a renewal, or not kept after its confirmation. The gateway has no key to it any more.
    Vernietigd = "vernietigd",
    /// An ontvanger was asked to destroy its own copy.
    VernietigingGevraagd = "vernietiging_gevraagd",
    /// An ontvanger answered such a request: done, or why not.
    VernietigingBevestigd = "vernietiging_bevestigd",
    /// Toezicht (FG or auditor) looked at metadata.
    Ingezien = "ingezien",
    /// Logregels were exported.
    Geexporteerd = "geexporteerd",
    /// Openings (salts) of commitments were erased; the leaves stay as they are.
    OpeningenGewist = "openingen_gewist",
    /// A convenant came into force or was replaced; `convenant_oud` names the former.
    ConvenantGewijzigd = "convenant_gewijzigd",
    /// A partner was added, changed or removed.
    PartnerGewijzigd = "partner_gewijzigd",
    /// A key was replaced by a new one.
    SleutelGewisseld = "sleutel_gewisseld",
    /// A key was destroyed.
    SleutelVernietigd = "sleutel_vernietigd",
    /// The first regel of the logboek after one that could not go on, on the word of beheer and with a checkpoint of an FG.
    LogHersteld = "log_hersteld",
    /// Any other act of beheer.
    Beheerd = "beheerd",
    /// The gateway stopped in order.
    Gestopt = "gestopt",
    /// The content of a bericht was found damaged: nobody gets it any more.
    Beschadigd = "beschadigd",
    /// A change of what is in force was proposed.
    Voorgesteld = "voorgesteld",
    /// A change of what is in force was confirmed by who must agree with it.
    Bekrachtigd = "bekrachtigd",
    /// Handshakes were refused: with `aantal`, so many in one minute for one `oorzaak` from one class of `adres`.
    HanddrukGeweigerd = "handdruk_geweigerd",
    /// Somebody asked what was exchanged about them: a dossier was opened, a partner was asked for its decision, or the term was extended.
    InzageGevraagd = "inzage_gevraagd",
    /// A partner released or withheld what it took part in.
    InzageBesloten = "inzage_besloten",
    /// Who asked got the overview, and the dossier was closed.
    InzageVerstrekt = "inzage_verstrekt",
}

/// Why content ended (`oorzaak`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oorzaak {
    /// A renewal replaced it.
    Vervangen,
    /// It is not kept after its confirmation.
    Bevestigd,
    /// Its afzender withdrew it.
    Ingetrokken,
    /// Its houdbaarheid has passed.
    Vervallen,
}

impl Oorzaak {
    /// The word that stands in the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vervangen => "vervangen",
            Self::Bevestigd => "bevestigd",
            Self::Ingetrokken => "ingetrokken",
            Self::Vervallen => "vervallen",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_design_and_of_the_json() {
        let design = "gestart, aanvaard, geweigerd, afgeleverd, bevestigd, geraadpleegd, \
            ingetrokken, vervallen, vernietigd, vernietiging_gevraagd, vernietiging_bevestigd, \
            ingezien, geexporteerd, openingen_gewist, convenant_gewijzigd, partner_gewijzigd, \
            sleutel_gewisseld, sleutel_vernietigd, log_hersteld, beheerd, gestopt, \
            beschadigd, voorgesteld, bekrachtigd, handdruk_geweigerd";
        // Dossiers of inzage, which the design leaves room for: readers pass over words that they do not know.
        let design = format!("{design}, inzage_gevraagd, inzage_besloten, inzage_verstrekt");
        let words: Vec<_> = Soort::ALL.iter().map(|soort| soort.as_str()).collect();
        assert_eq!(words.join(", "), design);
        for soort in Soort::ALL {
            let json = format!("\"{}\"", soort.as_str());
            assert_eq!(serde_json::to_string(soort).unwrap(), json);
            assert_eq!(serde_json::from_str::<Soort>(&json).unwrap(), *soort);
        }
        assert_eq!(serde_json::from_str::<Soort>("\"Aanvaard\"").unwrap(), Soort::Onbekend);
        serde_json::from_str::<Soort>("1").unwrap_err();
    }
}
