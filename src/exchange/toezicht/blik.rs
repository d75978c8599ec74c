//! Blik (look): what an operator looked at beside the gateway becomes a regel as well.

use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::{
    domain::Kenmerk,
    exchange::Exchange,
    logboek::{Logregel, Soort},
    sleutels::{
        Veld,
        blik::{Blikken, Wachtend},
    },
    store::{Alone, Event, NotDone},
};

/// What an operator looked at.
#[derive(Serialize, Deserialize, Debug)]
pub struct Blik {
    /// Looked at, or taken along.
    pub soort: Soort,
    /// Staff reference of who looked, where that was said.
    pub medewerker: Option<String>,
    /// Why, where that was said.
    pub reden: Option<String>,
    /// By which marks somebody was searched for: kind and text.
    pub gezocht: Vec<(String, String)>,
    /// What came of it.
    pub uitkomst: Option<String>,
}

impl Blik {
    /// At nothing in particular.
    #[must_use]
    pub fn new(soort: Soort, medewerker: Option<String>, reden: Option<String>) -> Self {
        Self { soort, medewerker, reden, gezocht: Vec::new(), uitkomst: None }
    }
}

/// Looks that could not be logged.
#[derive(Debug, thiserror::Error)]
pub enum NotLogged {
    /// They cannot be read, or not be removed.
    #[error("the directory with looks: {0}")]
    Directory(#[from] io::Error),
    /// The logboek.
    #[error(transparent)]
    NotDone(#[from] NotDone),
}

impl Exchange {
    /// Logs the looks that were told. One that was logged right before a crash is logged again.
    ///
    /// # Errors
    /// [`NotLogged`]; what was not logged stays where it lies.
    pub async fn log_blikken(&self, blikken: &Blikken) -> Result<(), NotLogged> {
        for Wachtend { bestand, blik } in blikken.waiting(self.keys.sealing())? {
            let Some(blik) = blik.and_then(|blik| serde_json::from_slice::<Blik>(&blik).ok()) else {
                let aside = bestand.with_extension("onleesbaar");
                tracing::warn!(bestand = %aside.display(), "somebody told of a look without the keys of this gateway: put aside");
                fs::rename(&bestand, aside)?;
                continue;
            };
            let alone = Box::new(self.looked_beside(blik));
            self.store.writer.write(|reply| Event::Log(alone, reply)).await?;
            fs::remove_file(&bestand)?;
        }
        Ok(())
    }

    /// The regel of a look beside the gateway: of beheer, under the OIN of the gateway itself.
    fn looked_beside(&self, blik: Blik) -> Alone {
        let medewerker = blik.medewerker.map(|medewerker| self.medewerker(&self.poort, &medewerker));
        let reden = blik.reden.map(|reden| self.reden(&reden));
        let marks = blik.gezocht.into_iter().filter_map(|(kind, text)| Some((kind.parse::<Kenmerk>().ok()?, text)));
        let marks: Vec<(Kenmerk, String)> = marks.collect();
        let betrokkene = (!marks.is_empty()).then(|| self.gezocht_op(marks));
        let regel = Logregel {
            rol: Some("beheer".to_owned()),
            actor: Some(self.poort.oin.to_string()),
            medewerker: medewerker.as_ref().map(|of| of.commitment.clone()),
            reden: reden.as_ref().map(|of| of.commitment.clone()),
            betrokkene: betrokkene.iter().map(|of| of.commitment.clone()).collect(),
            uitkomst: blik.uitkomst,
            ..Logregel::new(String::new(), blik.soort)
        };
        let openings = [(Veld::Medewerker, medewerker), (Veld::Reden, reden), (Veld::Betrokkene, betrokkene)];
        Alone {
            regel,
            bericht: None,
            openings: openings.into_iter().map(|(veld, of)| (veld, of.into_iter().collect())).collect(),
        }
    }
}
