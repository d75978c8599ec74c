//! Status: where a bericht stands that the caller sent or received.

use uuid::Uuid;

use super::{Call, Exchange, unavailable};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Weigering},
    logboek::Logregel,
    store::{Correctie, PostvakRij, StoredBericht, berichten, proofs, verify::timeline},
};

/// Where a bericht stands, as far as the caller may see.
pub struct StatusView {
    /// The bericht.
    pub bericht: BerichtId,
    /// Its thread.
    pub gesprek: BerichtId,
    /// Its kind.
    pub soort: Berichtsoort,
    /// Who sent it.
    pub afzender: Adres,
    /// When it was accepted, microseconds.
    pub micros: i64,
    /// What it answers.
    pub in_antwoord_op: Option<BerichtId>,
    /// Each ontvanger with a proof to the newest checkpoint.
    pub ontvangers: Vec<(PostvakRij, String)>,
    /// What it replaced.
    pub vervangt: Option<BerichtId>,
    /// What replaced it.
    pub vervangen_door: Option<BerichtId>,
    /// What its afzender corrected since.
    pub correcties: Vec<Correctie>,
    /// Each bericht of its thread that the caller may see, by its rows that the caller may see.
    pub gesprek_berichten: Vec<Vec<PostvakRij>>,
    /// Index, ontvanger and regel, oldest first.
    pub tijdlijn: Vec<(u64, Option<Adres>, Logregel)>,
}

/// How a bericht is looked up.
pub enum Lookup {
    /// By its id.
    Bericht(BerichtId),
    /// By the `request_id` of a bericht of one's own.
    Request(Uuid),
}

impl Exchange {
    /// Where a bericht stands. An ontvanger sees only its own addresses (promise 7).
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`], for what is another's too; not yet logged.
    pub async fn status(&self, call: &Call, lookup: Lookup) -> Result<StatusView, Weigering> {
        let read = &self.store.read;
        let stored = match lookup {
            Lookup::Bericht(id) => berichten::find(read, id).await,
            Lookup::Request(request_id) => {
                berichten::find_by_request(read, &call.identiteit().partner, request_id).await
            }
        };
        let stored = stored.map_err(unavailable)?.ok_or(Weigering::BerichtOnbekend)?;
        let StoredBericht { id, gesprek, soort, afzender, in_antwoord_op, vervangt, micros, rijen, .. } = stored;
        let own = |adres: &Adres| call.identiteit().adres(&adres.loket).is_ok_and(|own| own == *adres);
        let visible = |rij: &PostvakRij| own(&rij.afzender) || own(&rij.ontvanger);
        let rijen: Vec<PostvakRij> = rijen.into_iter().filter(visible).collect();
        if rijen.is_empty() {
            return Err(Weigering::BerichtOnbekend);
        }
        let tijdlijn = self.tijdlijn(id, &rijen).await?;
        let mut ontvangers = Vec::with_capacity(rijen.len());
        for rij in rijen {
            let newest = proofs::newest_checkpoint(read).await.map_err(unavailable)?;
            let newest = newest.ok_or_else(|| unavailable("a logboek without checkpoint"))?;
            let bewijs = proofs::prove(read, rij.log_index, newest).await.map_err(unavailable)?;
            ontvangers.push((rij, bewijs.map(|bewijs| bewijs.to_string()).unwrap_or_default()));
        }
        let mut corrected = berichten::correcties(read, [id].into_iter()).await.map_err(unavailable)?;
        let in_gesprek = berichten::gesprek(read, gesprek, &call.identiteit().partner).await.map_err(unavailable)?;
        let in_gesprek: Vec<PostvakRij> = in_gesprek.into_iter().filter(visible).collect();
        Ok(StatusView {
            bericht: id,
            gesprek,
            soort,
            afzender,
            micros,
            in_antwoord_op,
            vervangt,
            vervangen_door: berichten::replaced_by(read, id).await.map_err(unavailable)?,
            correcties: corrected.remove(&id).unwrap_or_default(),
            gesprek_berichten: in_gesprek
                .chunk_by(|one, next| one.bericht == next.bericht)
                .map(<[_]>::to_vec)
                .collect(),
            ontvangers,
            tijdlijn,
        })
    }

    async fn tijdlijn(
        &self,
        bericht: BerichtId,
        rijen: &[PostvakRij],
    ) -> Result<Vec<(u64, Option<Adres>, Logregel)>, Weigering> {
        let mut tijdlijn = Vec::new();
        for (index, leaf) in timeline(&self.store.read, bericht).await.map_err(unavailable)? {
            let regel = Logregel::from_leaf(&leaf).map_err(unavailable)?;
            let ontvanger = rijen.iter().find(|rij| Some(&rij.ontvanger_adres) == regel.ontvanger.as_ref());
            if let Some(rij) = ontvanger {
                tijdlijn.push((index, Some(rij.ontvanger.clone()), regel));
            }
        }
        Ok(tijdlijn)
    }
}
