//! Volg (follow): regels as they are written.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Getoond, Gezien, Inzage, zoek::Zoekfilter};
use crate::{
    domain::Weigering,
    exchange::{Call, Exchange, unavailable},
};

/// Regels that are handed over at once, at most.
const MOST_AT_ONCE: usize = 500;
/// What is written is looked for so often at most, however fast it is written.
const SELDOM: Duration = Duration::from_millis(100);
/// What another gateway wrote is looked for so often.
const POLL: Duration = Duration::from_secs(1);

/// Follows the logboek, for one of toezicht.
pub struct Volger {
    call: Call,
    filter: Zoekfilter,
    /// Regels before this index were looked at.
    next: u64,
    /// What was found and not handed over yet.
    found: Vec<u64>,
}

impl Exchange {
    /// Follows what is written from an index on, or from now on. That somebody follows is one regel.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`] or [`Weigering::PartnerOnbekend`], not yet logged.
    pub async fn follow(
        &self,
        call: Call,
        inzage: &Inzage,
        filter: Zoekfilter,
        vanaf: Option<u64>,
    ) -> Result<Volger, Weigering> {
        // What cannot be asked is said before the stream begins.
        self.oog(&call).await?.vraag(&filter, 0).await?;
        let end = self.store.head().next_index();
        let next = vanaf.unwrap_or(end);
        if next > end {
            return Err(Weigering::veld("vanaf", format!("hoogstens {end}: verder is het logboek niet")));
        }
        let betrokkene = filter.betrokkene.as_ref().map(|persoon| self.gezocht(persoon));
        self.log_look(&call, inzage, Gezien { betrokkene, ..Gezien::default() }).await?;
        Ok(Volger { call, filter, next, found: Vec::new() })
    }

    /// Waits until something was written that a follower is shown. Gives it, and the index before which everything was looked at.
    ///
    /// # Errors
    /// [`Weigering::ToegangVervallen`] when the follower may see nothing any more.
    pub async fn next_regels(&self, volger: &mut Volger) -> Result<(Vec<Getoond>, u64), Weigering> {
        let mut heads = self.store.heads();
        loop {
            heads.mark_unchanged();
            let oog = self.oog(&volger.call).await?;
            if volger.found.is_empty() {
                let tot = oog.zoeken.bijgewerkt_tot().await.map_err(unavailable)?;
                if tot > volger.next {
                    let mut vraag = oog.vraag(&volger.filter, tot).await?;
                    vraag.van = vraag.van.max(volger.next);
                    let found = oog.zoeken.find(&vraag).await.map_err(unavailable)?;
                    volger.found = found.page(None, usize::MAX, true);
                    volger.next = tot;
                }
            }
            if volger.found.is_empty() {
                sleep(SELDOM).await;
                // Whether it was told or the time is over, it looks.
                drop(timeout(POLL, heads.changed()).await);
                continue;
            }
            let rest = volger.found.len().saturating_sub(MOST_AT_ONCE);
            let mut now = volger.found.split_off(rest);
            now.reverse();
            let until = if volger.found.is_empty() { volger.next } else { now.last().map_or(0, |last| last + 1) };
            return Ok((oog.shown(&now).await?, until));
        }
    }
}
