//! Handing out of a postvak: what may leave is leased, opened and logged; what may not is refused, and waits.
//!
//! Content is opened before `afgeleverd` is logged, so that the logboek says of nobody that it got what cannot be read. What cannot be
//! handed out keeps nothing else from its ontvanger: it is passed over and reported.

use std::{collections::BTreeSet, sync::Arc};

use jiff::civil::Date;

use super::{
    DbConnection, StoreError, int,
    postvak::moment,
    rij::{Actor, Looked, PostvakRij, Verzegeld, read_each, sealed_and_indexes},
    toestand::Toestand,
    work::Work,
};
use crate::{
    domain::{Adres, BerichtId, VanKracht, Weigering, houdbaarheid::amsterdam_date},
    logboek::{Logregel, Soort},
    sleutels::{Opened, Opener, Opening},
};

/// Rows that are read at once, once one was met that cannot be handed out.
const PAGE: usize = 64;
/// Rows that one transaction judges without handing them out. The next one goes on where it stopped.
const MOST_JUDGED: usize = 256;

/// Asks for berichten to hand out.
pub struct Lease {
    /// The postvak.
    pub adres: Adres,
    /// Only answers to this verzoek, reserved or waiting; otherwise whatever waits.
    pub verzoek: Option<BerichtId>,
    /// At most so many.
    pub most: u32,
    /// How long they are held, microseconds.
    pub lease_micros: i64,
    /// Who receives.
    pub actor: Actor,
    /// What allows it now.
    pub van_kracht: Arc<VanKracht>,
    /// Opens content.
    pub opener: Arc<dyn Opener>,
    /// Days whose key cannot be had now: what is sealed under those waits.
    pub without: BTreeSet<Date>,
}

/// What was handed out, and what was met that could not be.
#[derive(Default)]
pub struct Leased {
    /// Each with its content.
    pub handed: Vec<(PostvakRij, Opened)>,
    /// What no longer opens.
    pub damaged: Vec<PostvakRij>,
    /// Days whose key was not at hand.
    pub unknown: BTreeSet<Date>,
    /// What is wrong with rows that cannot be read at all.
    pub unreadable: Vec<StoreError>,
    /// How many were judged and not handed out.
    pub judged: usize,
}

impl Leased {
    /// Whether asking again at once can give more.
    #[must_use]
    pub fn is_cut_short(&self) -> bool {
        self.judged >= MOST_JUDGED
    }
}

/// Hands out: lapsed leases first, then what was refused and not judged by this version and on this day yet, then what waits; each
/// in the order of the logboek.
pub(super) async fn lease(work: &mut Work<'_>, lease: &Lease) -> Result<Leased, StoreError> {
    let now = work.log.micros();
    let most = if lease.verzoek.is_some() { PAGE } else { lease.most as usize };
    let candidates = match lease.verzoek {
        Some(verzoek) => vec![Candidates::Answers(verzoek)],
        None => vec![Candidates::Lapsed, Candidates::Refused, Candidates::Waiting],
    };
    let mut leased = Leased::default();
    for candidates in candidates {
        let mut after = -1;
        while leased.handed.len() < most && !leased.is_cut_short() {
            let passed_over = leased.judged > 0 || !leased.unreadable.is_empty();
            let page = if passed_over { PAGE } else { most - leased.handed.len() };
            let rows = candidates.rows(work.database().await?, lease, now, after, page).await?;
            let full = rows.len() == page;
            for (log_index, row) in rows {
                if leased.handed.len() == most {
                    break;
                }
                after = log_index;
                let offered = match row {
                    Ok(verzegeld) => offer(work, lease, verzegeld, &mut leased).await,
                    Err(error) => Err(error),
                };
                match offered {
                    // Its columns cannot be read, or are too long for a regel: nothing was changed for it.
                    Err(
                        error
                        @ (StoreError::Inconsistent { table: "postvak" | "berichten", .. } | StoreError::Regel(_)),
                    ) => {
                        leased.unreadable.push(error);
                    }
                    offered => offered?,
                }
            }
            if !full {
                break;
            }
        }
    }
    Ok(leased)
}

/// Hands out one bericht, or notes why not.
async fn offer(
    work: &mut Work<'_>,
    lease: &Lease,
    verzegeld: Verzegeld,
    leased: &mut Leased,
) -> Result<(), StoreError> {
    let now = work.log.micros();
    if let Err(weigering) = verzegeld.rij.may_be_handed(&lease.van_kracht, moment(now)) {
        leased.judged += 1;
        // A gateway that cannot read what is in force leaves a refusal to one that can.
        if lease.van_kracht.gelezen() != lease.van_kracht.versie() {
            return Ok(());
        }
        return refuse(work, lease, verzegeld.rij, &weigering).await;
    }
    let opening = verzegeld.open(lease.opener.as_ref());
    let mut rij = verzegeld.rij;
    match opening {
        Opening::Opened(opened) => {
            rij.poging += 1;
            let until = now.saturating_add(lease.lease_micros);
            let regel = Logregel { poging: Some(rij.poging), ..rij.regel(Soort::Afgeleverd, &lease.actor) };
            work.step(&mut rij, Toestand::Afgeleverd, until, &lease.actor, regel).await?;
            leased.handed.push((rij, opened));
        }
        Opening::Damaged => {
            leased.judged += 1;
            leased.damaged.push(rij);
        }
        Opening::NoKey => {
            leased.judged += 1;
            leased.unknown.insert(rij.stempel.houdbaar_tot_en_met);
        }
    }
    Ok(())
}

/// Refuses one bericht, with a regel where that or the reason is new. It is judged again by another version, or on another day.
async fn refuse(
    work: &mut Work<'_>,
    lease: &Lease,
    mut rij: PostvakRij,
    weigering: &Weigering,
) -> Result<(), StoreError> {
    let code = weigering.code();
    if rij.toestand != Toestand::Geweigerd || rij.weigering.as_deref() != Some(code) {
        let regel = Logregel { weigering: Some(code.to_owned()), ..rij.regel(Soort::Geweigerd, &lease.actor) };
        work.step(&mut rij, Toestand::Geweigerd, 0, &lease.actor, regel).await?;
    }
    let today = amsterdam_date(moment(work.log.micros()));
    sqlx::query("UPDATE postvak SET weigering = $1, beoordeeld_versie = $2, beoordeeld_dag = $3 WHERE log_index = $4")
        .bind(code)
        .bind(int(lease.van_kracht.gelezen()))
        .bind(today.to_string())
        .bind(int(rij.log_index))
        .execute(work.database().await?)
        .await?;
    Ok(())
}

/// Which rows of a postvak are looked at.
#[derive(Clone, Copy)]
enum Candidates {
    /// Handed out, and not confirmed in time.
    Lapsed,
    /// Refused, by an older version or on an earlier day.
    Refused,
    /// Not handed out yet.
    Waiting,
    /// All of these, of the answers to a verzoek; what was reserved for it too.
    Answers(BerichtId),
}

impl Candidates {
    /// At most `most` rows after this index. What has lapsed is the affair of `verval`.
    async fn rows(
        self,
        tx: &mut DbConnection,
        lease: &Lease,
        now: i64,
        after: i64,
        most: usize,
    ) -> Result<Vec<Looked<Verzegeld>>, StoreError> {
        let (partner, loket) = (lease.adres.partner.as_str(), lease.adres.loket.as_str());
        let today = amsterdam_date(moment(now)).to_string();
        let without: Vec<String> = lease.without.iter().map(ToString::to_string).collect();
        let gelezen = int(lease.van_kracht.gelezen());
        let bound = |sql: &'static str| {
            let query = sqlx::query(sql);
            let query = match self {
                Self::Lapsed => query.bind(partner).bind(loket).bind(now),
                Self::Refused => query.bind(partner).bind(loket).bind(gelezen),
                Self::Waiting => query.bind(partner).bind(loket),
                Self::Answers(verzoek) => {
                    query.bind(verzoek.0.as_bytes().to_vec()).bind(partner).bind(loket).bind(now).bind(gelezen)
                }
            };
            query.bind(today.clone()).bind(without.join(" ")).bind(after).bind(int(most as u64))
        };
        let (rows, indexes) = self.sql();
        read_each(tx, bound(rows), bound(indexes)).await
    }

    /// Of the rows, and of their indexes alone.
    fn sql(self) -> (&'static str, &'static str) {
        match self {
            Self::Lapsed => sealed_and_indexes!(
                "WHERE p.partner = $1 AND p.loket = $2 AND p.toestand = 1 AND p.lease_tot <= $3 \
                 AND p.houdbaar_tot_en_met >= $4 AND ($5 = '' OR $5 NOT LIKE '%' || p.houdbaar_tot_en_met || '%') AND p.log_index > $6 \
                 ORDER BY p.log_index LIMIT $7"
            ),
            Self::Refused => sealed_and_indexes!(
                "WHERE p.partner = $1 AND p.loket = $2 AND p.toestand = 3 \
                 AND (p.beoordeeld_versie < $3 OR (p.beoordeeld_versie = $3 AND p.beoordeeld_dag < $4)) \
                 AND p.houdbaar_tot_en_met >= $4 AND ($5 = '' OR $5 NOT LIKE '%' || p.houdbaar_tot_en_met || '%') AND p.log_index > $6 \
                 ORDER BY p.log_index LIMIT $7"
            ),
            Self::Waiting => sealed_and_indexes!(
                "WHERE p.partner = $1 AND p.loket = $2 AND p.toestand = 0 \
                 AND p.houdbaar_tot_en_met >= $3 AND ($4 = '' OR $4 NOT LIKE '%' || p.houdbaar_tot_en_met || '%') AND p.log_index > $5 \
                 ORDER BY p.log_index LIMIT $6"
            ),
            Self::Answers(_) => sealed_and_indexes!(
                "WHERE p.in_antwoord_op = $1 AND p.partner = $2 AND p.loket = $3 AND (p.toestand = 0 \
                 OR (p.toestand = 1 AND (p.poging = 0 OR p.lease_tot <= $4)) \
                 OR (p.toestand = 3 AND (p.beoordeeld_versie < $5 OR (p.beoordeeld_versie = $5 AND p.beoordeeld_dag < $6)))) \
                 AND p.houdbaar_tot_en_met >= $6 AND ($7 = '' OR $7 NOT LIKE '%' || p.houdbaar_tot_en_met || '%') AND p.log_index > $8 \
                 ORDER BY p.log_index LIMIT $9"
            ),
        }
    }
}
