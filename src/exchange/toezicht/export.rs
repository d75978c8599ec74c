//! Export: a whole logboek as the files of C2SP tlog-tiles, for who sees all of it. Whoever has them verifies them without the gateway.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::Inzage;
use crate::{
    domain::Weigering,
    exchange::{Call, Exchange, unavailable},
    logboek::{self, Checkpoint, Soort, VerifyKey},
    store::{
        Alone, Event, Pool, StoreError,
        ledger::statisch::{Boom, Logboek, alle},
    },
};

/// Files that are ready and not taken yet, at most; the largest is a bundle of about a megabyte.
const READY: usize = 4;

/// A file of an export: its path, and its bytes.
pub type Bestand = (String, Vec<u8>);

/// An export on its way: each file, or why there are no more. The checkpoint is the last: without it there is no export.
pub type Bestanden = mpsc::Receiver<Result<Bestand, Afgebroken>>;

/// An export that is not whole.
#[derive(Debug, thiserror::Error)]
pub enum Afgebroken {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of it could not be made.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The regels are not those of the checkpoint.
    #[error("the regels of {naam} do not give the root of its checkpoint of {size}")]
    Anders {
        /// Of which logboek.
        naam: String,
        /// Its size.
        size: u64,
    },
    /// Nobody takes it any more.
    #[error("nobody takes it any more")]
    Weg,
}

impl Exchange {
    /// The names of the logboeken that can be exported, the oldest first.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`], [`Weigering::NietBeschikbaar`].
    pub async fn logboeken(&self, call: &Call) -> Result<Vec<String>, Weigering> {
        let all = alle(self.reading(call)?).await.map_err(unavailable)?;
        Ok(all.into_iter().map(|of| of.naam).collect())
    }

    /// A logboek by its name, or the newest, as files. That it was fetched is a regel, durable before the first of them leaves, and among
    /// them where it is the newest.
    ///
    /// # Errors
    /// [`Weigering::VerkeerdeRol`] for who does not see all; [`Weigering::OngeldigVeld`] where there is no such logboek;
    /// [`Weigering::TeDruk`] while another one is on its way; not yet logged.
    pub async fn export(
        self: &Arc<Self>,
        call: &Call,
        inzage: &Inzage,
        naam: Option<&str>,
    ) -> Result<Bestanden, Weigering> {
        if !call.identiteit().ziet.is_alles() {
            return Err(Weigering::VerkeerdeRol);
        }
        let turn = Arc::clone(&self.exports).try_acquire_owned().map_err(|_| Weigering::TeDruk)?;
        let known = self.logboeken(call).await?;
        if naam.is_some_and(|naam| !known.iter().any(|of| of == naam)) {
            return Err(Weigering::veld("logboek", format!("een logboek dat er is: {}", known.join(", "))));
        }
        let look = Alone::of(&self.actor_of(call, inzage), Soort::Geexporteerd);
        self.write(|reply| Event::Log(Box::new(look), reply)).await?;
        let all = alle(self.reading(call)?).await.map_err(unavailable)?;
        let logboek = all.into_iter().rfind(|of| naam.is_none_or(|naam| of.naam == naam));
        let logboek = logboek.ok_or_else(|| unavailable("a logboek that was there is gone"))?;
        let key = self.vkey.named(&logboek.naam).map_err(unavailable)?;
        let (read, (give, files)) = (self.store.read.clone(), mpsc::channel(READY));
        self.tasks.spawn("an export", async move {
            match write(&read, &key, logboek, &give).await {
                Ok(()) => {}
                Err(error @ Afgebroken::Weg) => tracing::info!(%error, "an export was broken off"),
                Err(error) => {
                    tracing::error!(%error, "an export was broken off");
                    // Whoever takes it hears that it is not whole.
                    drop(give.send(Err(error)).await);
                }
            }
            drop(turn);
        });
        Ok(files)
    }
}

async fn write(
    read: &Pool,
    key: &VerifyKey,
    Logboek { naam, eerste, checkpoint: (size, nota) }: Logboek,
    give: &mpsc::Sender<Result<Bestand, Afgebroken>>,
) -> Result<(), Afgebroken> {
    let hand = async |file: Bestand| give.send(Ok(file)).await.map_err(|_| Afgebroken::Weg);
    let mut boom = Boom::new(eerste, size);
    while let Some(whole) = boom.read_on(read).await? {
        for bundle in whole {
            hand(bundle).await?;
        }
    }
    let tree = boom.tree();
    let is_signed = |of: &Checkpoint| of.size == size && of.root == tree.root();
    if !logboek::open(&nota, key).is_ok_and(|of| is_signed(&of)) {
        return Err(Afgebroken::Anders { naam, size });
    }
    for file in tree.rest() {
        hand(file).await?;
    }
    hand(("vkey".to_owned(), format!("{key}\n").into_bytes())).await?;
    hand(("checkpoint".to_owned(), nota.into_bytes())).await
}
