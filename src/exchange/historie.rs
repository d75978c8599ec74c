//! Historie (history): what was in force when, who changed it and why, and who agreed.

use std::{collections::BTreeSet, sync::Arc};

use super::{Call, Exchange, toezicht::Inzage, unavailable};
use crate::{
    domain::{Document, DocumentSoort, Weigering},
    logboek::{Logregel, Soort},
    sleutels::{CommitmentOpening, Veld},
    store::{
        ledger::regels::regels_at,
        reading::{
            documenten::{changes, of_hash},
            openingen::opened,
            voorstellen::{Ondertekend, ondertekend},
        },
    },
};

/// Changes that are told, at most.
const MOST: u32 = 500;

/// A change of one document.
pub struct Historie {
    /// Of its regel.
    pub log_index: u64,
    /// The regel.
    pub regel: Logregel,
    /// What it is.
    pub soort: DocumentSoort,
    /// Its name.
    pub naam: String,
    /// Role of who changed or proposed it.
    pub rol: Option<String>,
    /// Staff reference of that one.
    pub medewerker: Option<String>,
    /// Why.
    pub reden: Option<String>,
    /// Who agreed with the proposal that it carried out.
    pub bekrachtigd: Vec<Ondertekend>,
}

impl Exchange {
    /// What was in force when, the newest first; of one document, or of all. It opens who and why, so that somebody looked is a regel.
    ///
    /// # Errors
    /// [`Weigering::DocumentOnbekend`] where nothing of this name was ever in force, or [`Weigering::ToegangVervallen`]; not yet logged.
    pub async fn historie(&self, call: &Call, inzage: &Inzage, naam: Option<&str>) -> Result<Vec<Historie>, Weigering> {
        let read = self.reading(call)?;
        let mut told = Vec::new();
        let changes = changes(read, naam, MOST).await.map_err(unavailable)?;
        if changes.is_empty() {
            return Err(Weigering::DocumentOnbekend);
        }
        for change in changes {
            let (soort, naam) = (change.soort, change.naam);
            let document = soort.in_logboek(&naam);
            // Of what was proposed the proposal says who and why.
            let asked = change.regel.voorstel.unwrap_or(change.log_index);
            let (rol, opened) = self.who_and_why(asked).await?;
            let text =
                |wanted: Veld| opened.iter().find(|(veld, _)| *veld == wanted).and_then(|(_, of)| of.tekst.clone());
            let mut bekrachtigd = match change.regel.voorstel {
                Some(voorstel) => ondertekend(read, voorstel, change.log_index).await.map_err(unavailable)?,
                None => Vec::new(),
            };
            bekrachtigd
                .retain(|of| of.regel.soort == Soort::Bekrachtigd && of.regel.document.as_ref() == Some(&document));
            told.push(Historie {
                log_index: change.log_index,
                soort,
                naam,
                rol,
                medewerker: text(Veld::Medewerker),
                reden: text(Veld::Reden),
                bekrachtigd,
                regel: change.regel,
            });
        }
        self.look_at_voorstellen(call, inzage).await?;
        Ok(told)
    }

    /// The role in a regel, and what opens its commitments.
    pub(super) async fn who_and_why(
        &self,
        log_index: u64,
    ) -> Result<(Option<String>, Vec<(Veld, CommitmentOpening)>), Weigering> {
        let read = &self.store.read;
        let leaves = regels_at(read, &[log_index]).await.map_err(unavailable)?;
        let parsed = leaves.iter().map(|(index, leaf)| Ok((*index, leaf.as_slice(), Logregel::from_leaf(leaf)?)));
        let parsed: Vec<(u64, &[u8], Logregel)> =
            parsed.collect::<Result<_, crate::logboek::RegelError>>().map_err(unavailable)?;
        let asked: Vec<(u64, &[u8], &Logregel)> =
            parsed.iter().map(|(index, leaf, regel)| (*index, *leaf, regel)).collect();
        let keys = self.keys.sealing().openingen(Arc::clone(&self.rng));
        let opened = opened(read, &keys, &asked).await.map_err(unavailable)?;
        let rol = parsed.first().and_then(|(.., regel)| regel.rol.clone());
        Ok((rol, opened.into_values().flatten().collect()))
    }

    /// A text that a document once had. That somebody looked is a regel.
    ///
    /// # Errors
    /// [`Weigering::DocumentOnbekend`] or [`Weigering::ToegangVervallen`], not yet logged.
    pub async fn former_text(
        &self,
        call: &Call,
        inzage: &Inzage,
        naam: &str,
        hash: &str,
    ) -> Result<Document, Weigering> {
        let read = self.reading(call)?;
        let known = changes(read, Some(naam), u32::MAX).await.map_err(unavailable)?;
        let hashes: BTreeSet<&String> = known.iter().filter_map(|change| change.regel.convenant.as_ref()).collect();
        let soort = known.first().map(|change| change.soort).ok_or(Weigering::DocumentOnbekend)?;
        let tekst = of_hash(read, hash).await.map_err(unavailable)?;
        let tekst = tekst.filter(|_| hashes.iter().any(|known| *known == hash)).ok_or(Weigering::DocumentOnbekend)?;
        self.look_at_voorstellen(call, inzage).await?;
        Ok(Document { soort, naam: naam.to_owned(), hash: hash.to_owned(), tekst })
    }
}
