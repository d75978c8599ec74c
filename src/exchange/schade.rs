//! Damage: what was met while handing out and cannot be read ends, is said, and is told to its afzender.
//!
//! A key that is gone is no damage: a key directory can vanish and come back, and what was sealed is then whole.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Exchange, LoadError};
use crate::{
    domain::Berichtsoort,
    store::{Damage, Event, Leased, PostvakRij},
};

impl Exchange {
    /// Looks after what a lease met and could not hand out. Gives the days whose key cannot be had now.
    pub(super) async fn look_after(&self, leased: &Leased) -> BTreeSet<Date> {
        self.store.passed.say(&leased.unreadable);
        for rij in &leased.damaged {
            if let Err(error) = self.end_damaged(rij).await {
                // It stays where it is, and is found again at the next look.
                tracing::error!(bericht = %rij.bericht, %error, "damaged content could not be ended yet");
            }
        }
        let mut without = BTreeSet::new();
        for day in &leased.unknown {
            if let Err(error) = self.keys.existing(*day).await {
                self.store.passed.say_of_day(*day, &error);
                without.insert(*day);
            }
        }
        without
    }

    /// Ends a bericht for one ontvanger whose content is damaged, and tells its afzender.
    pub(super) async fn end_damaged(&self, rij: &PostvakRij) -> Result<(), LoadError> {
        for _ in 0..super::send::MOST_TURNS {
            // The gateway has nobody to send it again.
            let tell = !rij.afzender.is_gateway();
            let melding =
                if tell { self.about(rij, Berichtsoort::Schademelding, rij.afzender.clone()).await? } else { None };
            let (log_index, opener) = (rij.log_index, self.keys.clone());
            let damage = Damage { log_index, actor: self.gateway_itself(), melding, opener };
            match self.store.writer.write(|reply| Event::Damage(Box::new(damage), reply)).await? {
                (Ok(true), _) => {
                    tracing::error!(
                        bericht = %rij.bericht, log_index, ontvanger = %rij.ontvanger,
                        "the content of a bericht is damaged; it ended, and its afzender was told"
                    );
                    return Ok(());
                }
                // Somebody else was first, or it was mended.
                (Ok(false), _) => return Ok(()),
                (Err(_), _) => drop(self.refresh().await?),
            }
        }
        Ok(())
    }
}
