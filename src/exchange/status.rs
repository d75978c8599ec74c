//! Status: where a bericht stands that the caller sent or received.

use uuid::Uuid;

use super::{
    Call, Exchange, unavailable,
    views::{Gebeurtenis, InGesprek, StandsAt, StatusView},
};
use crate::{
    domain::{Adres, BerichtId, Weigering},
    logboek::Logregel,
    store::{
        Pool, PostvakRij, StoredBericht,
        ledger::{
            proofs::{self, Under},
            regels::timeline,
        },
        reading::berichten,
    },
};

/// How a bericht is looked up.
pub enum Lookup {
    /// By its id.
    Bericht(BerichtId),
    /// By the `request_id` of a bericht of one's own.
    Request(Uuid),
}

/// Events in one answer, and rows of a thread: an answer stays below 64 KiB.
const MOST_EVENTS: u32 = 128;
const MOST_IN_GESPREK: u32 = 64;

/// Vanaf where a long tijdlijn and a long gesprek are shown.
#[derive(Clone, Copy, Debug)]
pub struct Vanaf {
    /// The tijdlijn: from this index of the logboek on.
    pub tijdlijn: u64,
    /// The gesprek: what was accepted before this index.
    pub gesprek_before: u64,
}

impl Vanaf {
    /// A logboek stays far below so many regels.
    const BEYOND_ALL: u64 = i64::MAX.unsigned_abs();

    /// As somebody asks: the tijdlijn from 0 is all of it, and a gesprek before nothing is its newest berichten.
    #[must_use]
    pub fn new(tijdlijn: u64, gesprek_before: Option<u64>) -> Self {
        Self {
            tijdlijn: tijdlijn.min(Self::BEYOND_ALL),
            gesprek_before: gesprek_before.unwrap_or(Self::BEYOND_ALL).min(Self::BEYOND_ALL),
        }
    }
}

impl Exchange {
    /// Where a bericht stands. An ontvanger sees only its own addresses.
    ///
    /// # Errors
    /// [`Weigering::BerichtOnbekend`], for what is another's too; not yet logged.
    pub async fn status(&self, call: &Call, lookup: Lookup, from: Vanaf) -> Result<StatusView, Weigering> {
        let read = self.reading(call)?;
        let stored = match lookup {
            Lookup::Bericht(id) => berichten::find(read, id).await,
            Lookup::Request(request_id) => {
                berichten::find_by_request(read, &call.identiteit().partner, request_id).await
            }
        };
        let stored = stored.map_err(unavailable)?.ok_or(Weigering::BerichtOnbekend)?;
        let StoredBericht { id, gesprek, soort, afzender, in_antwoord_op, vervangt, tijd, rijen, .. } = stored;
        let own = |adres: &Adres| call.identiteit().adres(&adres.loket).is_ok_and(|own| own == *adres);
        let visible = |rij: &PostvakRij| own(&rij.afzender) || own(&rij.ontvanger.adres);
        let rijen: Vec<PostvakRij> = rijen.into_iter().filter(visible).collect();
        if rijen.is_empty() {
            return Err(Weigering::BerichtOnbekend);
        }
        let (tijdlijn, tijdlijn_verder) = tijdlijn(read, id, &rijen, from.tijdlijn).await?;
        let mut corrected = berichten::correcties(read, [id].into_iter()).await.map_err(unavailable)?;
        let partner = &call.identiteit().partner;
        let in_gesprek = berichten::gesprek(read, gesprek, partner, from.gesprek_before, MOST_IN_GESPREK).await;
        let (in_gesprek, gesprek_verder) = in_gesprek.map_err(unavailable)?;
        let in_gesprek: Vec<PostvakRij> = in_gesprek.into_iter().filter(visible).collect();
        Ok(StatusView {
            bericht: id,
            gesprek,
            soort,
            afzender,
            tijd,
            in_antwoord_op,
            vervangt,
            vervangen_door: berichten::replaced_by(read, id).await.map_err(unavailable)?,
            correcties: corrected.remove(&id).unwrap_or_default(),
            gesprek_berichten: in_gesprek
                .chunk_by(|one, next| one.bericht == next.bericht)
                .filter_map(InGesprek::of)
                .collect(),
            ontvangers: proven(read, rijen).await?,
            tijdlijn,
            tijdlijn_verder,
            gesprek_verder,
        })
    }
}

/// Each row with a proof to the newest checkpoint.
async fn proven(read: &Pool, rijen: Vec<PostvakRij>) -> Result<Vec<StandsAt>, Weigering> {
    let mut ontvangers = Vec::with_capacity(rijen.len());
    for rij in rijen {
        let bewijs = proofs::prove(read, rij.log_index, Under::Newest).await.map_err(unavailable)?;
        ontvangers.push(StandsAt::new(rij, bewijs.ok_or_else(|| unavailable("a regel that no checkpoint covers"))?));
    }
    Ok(ontvangers)
}

/// What happened to a bericht at these rows, and from which index there may be more.
async fn tijdlijn(
    read: &Pool,
    bericht: BerichtId,
    rijen: &[PostvakRij],
    from: u64,
) -> Result<(Vec<Gebeurtenis>, Option<u64>), Weigering> {
    let mut connection = read.acquire().await.map_err(unavailable)?;
    let regels = timeline(&mut connection, bericht, from, MOST_EVENTS).await.map_err(unavailable)?;
    let last = regels.last().map(|(log_index, _)| log_index + 1);
    let more = last.filter(|_| regels.len() == MOST_EVENTS as usize);
    let mut tijdlijn = Vec::new();
    for (log_index, leaf) in regels {
        let regel = Logregel::from_leaf(&leaf).map_err(unavailable)?;
        let at = rijen.iter().find(|rij| Some(rij.ontvanger.in_logboek()) == regel.ontvanger);
        if let Some(rij) = at {
            tijdlijn.push(Gebeurtenis { log_index, ontvanger: rij.ontvanger.adres.clone(), regel });
        }
    }
    Ok((tijdlijn, more))
}
