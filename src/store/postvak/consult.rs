//! Reading one bericht again, or for the first time.

use std::sync::Arc;

use jiff::civil::Date;

use super::{
    actor::Actor,
    rij::{
        PostvakRij,
        read::{Verzegeld, find_at},
    },
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, Berichtsoort, Bewaar, Toestand, VanKracht, Weigering},
    logboek::Soort,
    sleutels::{Opened, Opener, Opening},
    store::NotDone,
};

/// Asks to read one bericht.
pub struct Consult {
    /// The bericht.
    pub bericht: BerichtId,
    /// At which address.
    pub adres: Adres,
    /// Who reads.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
    /// Opens content.
    pub opener: Arc<dyn Opener>,
}

/// What became of it.
pub enum Consulted {
    /// It was opened, and logged.
    Read(Box<PostvakRij>, Opened),
    /// It no longer opens; nothing was logged.
    Damaged(Box<PostvakRij>),
    /// The key of this day is not at hand; nothing was logged.
    NoKey(Date),
}

/// Reads one bericht.
pub(in crate::store) async fn consult(work: &mut Work<'_>, consult: &Consult) -> Result<Consulted, NotDone> {
    let Consult { bericht, adres, actor, van_kracht, opener } = consult;
    let Some(verzegeld) = find_at::<Verzegeld>(work.database().await?, *bericht, adres).await? else {
        return Err(Weigering::BerichtOnbekend.into());
    };
    may_be_read(&verzegeld.rij, van_kracht, work)?;
    let opening = verzegeld.open(opener.as_ref());
    let mut rij = verzegeld.rij;
    let opened = match opening {
        Opening::Opened(opened) => opened,
        Opening::Damaged => return Ok(Consulted::Damaged(Box::new(rij))),
        Opening::NoKey => return Ok(Consulted::NoKey(rij.last_day())),
    };
    actor.log(&mut work.log, Some(*bericht), rij.regel(Soort::Geraadpleegd, actor))?;
    rij.gelezen = true;
    // From the first reading since the last terugkoppeling on, its afzender waits for the next one.
    if rij.soort == Berichtsoort::Scenario && rij.terugkoppeling_open.is_none() {
        rij.terugkoppeling_open = Some(work.now());
    }
    work.put(&rij);
    Ok(Consulted::Read(Box::new(rij), opened))
}

/// Whether its ontvanger may read it now.
fn may_be_read(rij: &PostvakRij, van_kracht: &VanKracht, work: &Work<'_>) -> Result<(), Weigering> {
    match rij.toestand {
        Toestand::Ingetrokken => return Err(Weigering::Ingetrokken),
        Toestand::Vervangen => return Err(Weigering::Vervangen),
        Toestand::Vervallen => return Err(Weigering::Vervallen),
        Toestand::Beschadigd => return Err(Weigering::InhoudBeschadigd),
        Toestand::Wacht | Toestand::Gereserveerd | Toestand::Afgeleverd | Toestand::Bevestigd | Toestand::Geweigerd => {
        }
    }
    match rij.may_be_handed(van_kracht, work.now()) {
        Ok(()) => {}
        Err(Weigering::Vervallen) => return Err(Weigering::Vervallen),
        Err(_) if rij.toestand == Toestand::Geweigerd => return Err(Weigering::AfleveringGeweigerd),
        Err(weigering) => return Err(weigering),
    }
    let ended_with_confirmation = rij.ended_by.is_some() && rij.bevestigd.is_some();
    if ended_with_confirmation && rij.ontvanger.stempel.bewaar_inhoud == Bewaar::Bevestiging {
        return Err(Weigering::InhoudNietBewaard);
    }
    Ok(())
}
