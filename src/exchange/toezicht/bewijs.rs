//! Bewijs (proof): of the logboek as it stands, of one regel, and that nothing was taken away since a checkpoint that somebody kept.

use super::{Gezien, Inzage, read_regel, scherm::Vertoond};
use crate::{
    domain::{BerichtId, Weigering},
    exchange::{Call, Exchange, unavailable},
    logboek::{self, Hash, Logregel, TlogProof},
    store::ledger::{
        proofs::{self, Under},
        regels::{next_logboek, regel},
    },
};

/// The newest checkpoint.
pub struct Stand {
    /// A signed note.
    pub checkpoint: String,
    /// By what anybody verifies it.
    pub vkey: String,
    /// The `log_index` of the first regel of its logboek.
    pub eerste: u64,
}

/// How a logboek grew.
pub struct Gegroeid {
    /// The newest checkpoint of that logboek: a signed note.
    pub checkpoint: String,
    /// The proof of RFC 6962, section 2.1.2.
    pub hashes: Vec<Hash>,
    /// Where it goes on, when it was closed.
    pub vervolg: Option<Vervolg>,
}

/// The logboek that follows one that was closed.
pub struct Vervolg {
    /// Its name.
    pub naam: String,
    /// The `log_index` of its first regel.
    pub eerste: u64,
    /// That regel, which names the head with which the one before it was closed.
    pub regel: Logregel,
}

impl Exchange {
    /// The newest checkpoint.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`], not yet logged.
    pub async fn newest_checkpoint(&self, call: &Call, inzage: &Inzage) -> Result<Stand, Weigering> {
        self.reading(call)?;
        // The look is in the checkpoint that it gives: whoever keeps that has the proof of having looked.
        self.log_look(call, inzage, Gezien::default()).await?;
        let head = self.store.head();
        Ok(Stand { checkpoint: head.nota.clone(), vkey: self.newest_vkey()?, eerste: head.eerste })
    }

    /// By what anybody verifies the newest logboek.
    ///
    /// # Errors
    /// Never: the name is one that the logboek has.
    pub fn newest_vkey(&self) -> Result<String, Weigering> {
        Ok(self.vkey.named(&self.store.head().naam).map_err(unavailable)?.to_string())
    }

    /// The proof of one regel, to the newest checkpoint of its logboek.
    ///
    /// # Errors
    /// [`Weigering::LogregelOnbekend`], for what the caller may not see too; not yet logged.
    pub async fn prove_regel(&self, call: &Call, inzage: &Inzage, log_index: u64) -> Result<TlogProof, Weigering> {
        let (read, namen) = self.overseeing(call).await?;
        let leaf = regel(read, log_index).await.map_err(unavailable)?.ok_or(Weigering::LogregelOnbekend)?;
        let of = read_regel(&leaf)?;
        if !call.identiteit().ziet.covers(&namen.partijen(log_index, &of)) {
            return Err(Weigering::LogregelOnbekend);
        }
        let proof = proofs::prove(read, log_index, Under::Newest).await.map_err(unavailable)?;
        let proof = proof.ok_or_else(|| unavailable("a regel that no checkpoint covers"))?;
        let bericht = of.bericht.and_then(|id| id.parse::<BerichtId>().ok());
        self.log_look(call, inzage, Gezien { bericht, ..Gezien::default() }).await?;
        Ok(proof)
    }

    /// The proof that a logboek only grew since this checkpoint, a signed note that somebody kept.
    ///
    /// # Errors
    /// [`Weigering::CheckpointOnbekend`], not yet logged.
    pub async fn prove_growth(&self, call: &Call, inzage: &Inzage, nota: &str) -> Result<Gegroeid, Weigering> {
        let grown = self.grown(call, nota).await?.ok_or(Weigering::CheckpointOnbekend)?;
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok(grown)
    }

    /// How the logboek grew since each of these checkpoints, nothing for what is none of this gateway; and what the caller was shown before.
    /// That it was looked at is one regel.
    ///
    /// # Errors
    /// [`Weigering::NietBeschikbaar`].
    pub async fn compare(
        &self,
        call: &Call,
        inzage: &Inzage,
        notas: &[String],
    ) -> Result<(Vec<Option<Gegroeid>>, Vec<Vertoond>), Weigering> {
        let mut grown = Vec::new();
        for nota in notas {
            grown.push(self.grown(call, nota).await?);
        }
        let vertoond = self.vertoond(call, inzage).await?;
        self.log_look(call, inzage, Gezien::default()).await?;
        Ok((grown, vertoond))
    }

    /// How a logboek grew since a checkpoint; nothing where it is none of this gateway.
    async fn grown(&self, call: &Call, nota: &str) -> Result<Option<Gegroeid>, Weigering> {
        let read = self.reading(call)?;
        let naam = nota.lines().next().unwrap_or_default();
        let Ok(kept) = self.vkey.named(naam).and_then(|key| logboek::open(nota, &key)) else { return Ok(None) };
        let proven = proofs::prove_growth(read, naam, kept.size).await.map_err(unavailable)?;
        let Some((checkpoint, hashes)) = proven else { return Ok(None) };
        let vervolg = match next_logboek(read, naam).await.map_err(unavailable)? {
            Some((naam, eerste)) => {
                let first = regel(read, eerste).await.map_err(unavailable)?;
                let first = first.ok_or_else(|| unavailable("a logboek without its first regel"))?;
                Some(Vervolg { naam, eerste, regel: read_regel(&first)? })
            }
            None => None,
        };
        Ok(Some(Gegroeid { checkpoint, hashes, vervolg }))
    }
}
