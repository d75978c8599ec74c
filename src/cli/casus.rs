//! The invented casussen (`deploy/voorbeeld/casussen`): people, a short story, and each bericht of it by name.
//!
//! `send --template CASUS/BERICHT` prints one, the demo plays all. In a casus `{bericht:NAAM}` is the id of another
//! bericht of the same casus, and `{betrokkene:NAAM}` one of its people.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, template::fill};

/// Every file of the directory, by the name of its casus. A test holds this to what is there.
const FILES: [(&str, &str); 14] = [
    ("bram", include_str!("../../deploy/voorbeeld/casussen/bram.json")),
    ("dirk", include_str!("../../deploy/voorbeeld/casussen/dirk.json")),
    ("fleur", include_str!("../../deploy/voorbeeld/casussen/fleur.json")),
    ("gijs", include_str!("../../deploy/voorbeeld/casussen/gijs.json")),
    ("hans", include_str!("../../deploy/voorbeeld/casussen/hans.json")),
    ("ilse", include_str!("../../deploy/voorbeeld/casussen/ilse.json")),
    ("joost", include_str!("../../deploy/voorbeeld/casussen/joost.json")),
    ("kees", include_str!("../../deploy/voorbeeld/casussen/kees.json")),
    ("marco", include_str!("../../deploy/voorbeeld/casussen/marco.json")),
    ("noor", include_str!("../../deploy/voorbeeld/casussen/noor.json")),
    ("rosa", include_str!("../../deploy/voorbeeld/casussen/rosa.json")),
    ("sem", include_str!("../../deploy/voorbeeld/casussen/sem.json")),
    ("teun", include_str!("../../deploy/voorbeeld/casussen/teun.json")),
    ("wim", include_str!("../../deploy/voorbeeld/casussen/wim.json")),
];

/// One casus as its file tells it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Casus {
    /// Whom it is about and what happens, for whoever opens the file.
    #[serde(rename = "naam")]
    _naam: String,
    #[serde(rename = "verhaal")]
    _verhaal: String,
    betrokkenen: BTreeMap<String, Value>,
    berichten: BTreeMap<String, CasusBericht>,
}

/// A bericht of a casus.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CasusBericht {
    /// The profile of its afzender.
    pub van: String,
    /// Its berichtsoort.
    pub soort: String,
    /// A `SendRequest` as JSON, with placeholders.
    verzoek: Value,
}

/// All casussen by name.
pub(crate) struct Casussen(BTreeMap<&'static str, Casus>);

impl Casussen {
    pub fn read() -> Self {
        let casus = |text| serde_json::from_str(text).expect("a test reads every casus that is compiled in");
        Self(FILES.into_iter().map(|(naam, text)| (naam, casus(text))).collect())
    }

    /// The names of all berichten as `casus/bericht`.
    pub fn namen(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|(casus, has)| has.berichten.keys().map(move |naam| format!("{casus}/{naam}")))
    }

    pub fn is_casus(&self, naam: &str) -> bool {
        self.0.contains_key(naam)
    }

    /// The bericht of this name, as `casus/bericht`.
    ///
    /// # Errors
    /// [`Failure::Usage`] naming what there is.
    pub fn bericht(&self, naam: &str) -> Result<&CasusBericht, Failure> {
        let (casus, bericht) = naam.split_once('/').unwrap_or((naam, ""));
        let Some(found) = self.0.get(casus) else {
            let all = self.0.keys().copied().collect::<Vec<_>>().join(", ");
            return Err(Failure::Usage(format!("er is geen casus {casus}; er zijn: {all}")));
        };
        found.berichten.get(bericht).ok_or_else(|| {
            let all = self.namen().filter(|naam| naam.split('/').next() == Some(casus)).collect::<Vec<_>>().join(", ");
            Failure::Usage(format!("er is geen bericht {naam}; er zijn: {all}"))
        })
    }

    /// One of the people of a casus, as `casus/betrokkene`, filled in.
    ///
    /// # Errors
    /// [`Failure::Usage`] when there is nobody of that name.
    pub fn betrokkene(&self, naam: &str, now: Timestamp) -> Result<Value, Failure> {
        let found = naam.split_once('/').and_then(|(casus, betrokkene)| self.0.get(casus)?.betrokkenen.get(betrokkene));
        let found = found.ok_or_else(|| Failure::Usage(format!("er is geen betrokkene {naam}")))?;
        fill(found, now, &|_| None)
    }

    /// The `SendRequest` of a bericht, filled in. `berichten` gives ids by full name.
    ///
    /// # Errors
    /// When there is no such bericht, or a placeholder means nothing.
    pub fn verzoek(
        &self,
        naam: &str,
        now: Timestamp,
        berichten: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Value, Failure> {
        let bericht = self.bericht(naam)?;
        let (casus, _) = naam.split_once('/').unwrap_or_default();
        fill(&bericht.verzoek, now, &|placeholder| {
            if let Some(naam) = placeholder.strip_prefix("bericht:") {
                return berichten(&format!("{casus}/{naam}")).map(Value::String);
            }
            let naam = placeholder.strip_prefix("betrokkene:")?;
            self.betrokkene(&format!("{casus}/{naam}"), now).ok()
        })
    }
}

/// Ids of berichten by their full name, as a function for [`Casussen::verzoek`].
pub(crate) fn known(namen: &HashMap<String, String>) -> impl Fn(&str) -> Option<String> {
    |naam| namen.get(naam).cloned()
}
