//! What waits in all postvakken, counted, so that a change of what is in force can say what it does to berichten that wait.

use sqlx::{AssertSqlSafe, Row};

use crate::{
    domain::{
        Adres, Berichtsoort, Ontvanger, Stempel, Toestand, VanKracht, Weigering, houdbaarheid::amsterdam_date,
        still_allowed,
    },
    store::{DbRow, Pool, StoreError, postvak::rij::sql::held, values::uint},
};

/// Berichten that wait, or were refused at delivery, and that no judgement tells apart.
pub struct Group {
    /// Their kind.
    pub soort: Berichtsoort,
    /// Who sent them.
    pub afzender: Adres,
    /// Who gets them, and their stamp.
    pub ontvanger: Ontvanger,
    /// Whether they were refused at delivery.
    pub geweigerd: bool,
    /// How many.
    pub aantal: u64,
}

impl Group {
    /// Whether they may be handed out.
    ///
    /// # Errors
    /// Why not.
    pub fn may_be_handed(&self, van_kracht: &VanKracht, now: jiff::Timestamp) -> Result<(), Weigering> {
        still_allowed(self.soort, &self.afzender, &self.ontvanger, van_kracht, now)
    }

    fn read(row: &DbRow, today: jiff::civil::Date) -> Result<Self, StoreError> {
        let wrong = |column| StoreError::inconsistent("postvak", column, "een wachtend bericht");
        let text = |column| row.try_get::<String, _>(column).map_err(|_| wrong(column));
        let adres = |partner, loket| {
            let (partner_, loket_) = (text(partner)?.parse(), text(loket)?.parse());
            Ok::<_, StoreError>(Adres {
                partner: partner_.map_err(|_| wrong(partner))?,
                loket: loket_.map_err(|_| wrong(loket))?,
            })
        };
        let stempel = Stempel {
            grondslag: text("grondslag")?,
            regel: text("regel")?,
            convenant: text("convenant")?,
            verwerkingsactiviteit: text("verwerkingsactiviteit")?,
            // All of them can be read today; how much longer makes no difference to who may.
            houdbaar_tot_en_met: today,
            bewaar_inhoud: text("bewaar_inhoud")?.parse().map_err(|()| wrong("bewaar_inhoud"))?,
        };
        let oin = text("oin")?.parse().map_err(|_| wrong("oin"))?;
        Ok(Self {
            soort: text("berichtsoort")?.parse().map_err(|()| wrong("berichtsoort"))?,
            afzender: adres("afzender_partner", "afzender_loket")?,
            ontvanger: Ontvanger { adres: adres("partner", "loket")?, oin, stempel },
            geweigerd: text("toestand")? == Toestand::Geweigerd.as_str(),
            aantal: uint(row.try_get("aantal")?),
        })
    }
}

/// All that waits or was refused and has not lapsed; and what is wrong with what cannot be read.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn waiting(read: &Pool, now: jiff::Timestamp) -> Result<(Vec<Group>, Vec<StoreError>), StoreError> {
    let today = amsterdam_date(now);
    let (mut groups, mut unreadable) = (Vec::new(), Vec::new());
    // One statement each: the indexes are of one toestand.
    for condition in ["= 'wacht'", concat!("IN ", held!()), "= 'geweigerd'"] {
        const ALIKE: &str = "b.berichtsoort, b.afzender_partner, b.afzender_loket, p.partner, p.loket, p.oin, p.grondslag, \
                             p.regel, p.convenant, p.verwerkingsactiviteit, p.bewaar_inhoud, p.toestand";
        let sql = format!(
            "SELECT {ALIKE}, count(*) AS aantal FROM postvak p JOIN berichten b ON b.id = p.bericht \
             WHERE p.toestand {condition} AND p.houdbaar_tot_en_met >= $1 GROUP BY {ALIKE}"
        );
        for row in sqlx::query(AssertSqlSafe(sql)).bind(today.to_string()).fetch_all(read).await? {
            match Group::read(&row, today) {
                Ok(group) => groups.push(group),
                Err(error) => unreadable.push(error),
            }
        }
    }
    Ok((groups, unreadable))
}
