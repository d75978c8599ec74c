//! What can be handed out of postvakken. Many postvakken are asked about at once: first which rows there are, then those rows with
//! their content.
//!
//! A post is first asked for as many rows as are wanted, then for a [`PAGE`]; a transaction reads no more content than [`MOST_BYTES`]. What has lapsed is left to `expire`.

use std::{collections::HashMap, mem::take};

use sqlx::Row;

use super::{
    post::{Leasable, Place, Post, TIERS},
    rij::{
        read::{EachRow, Verzegeld, read_many},
        sql::held,
    },
    work::Work,
};
use crate::store::{
    DbRow, StoreError,
    database::rows::{Cell, Column, Rows, fetch_all},
    values::{int, micros, uint},
};

/// Rows that are looked up at once for one postvak, at most.
pub(super) const PAGE: usize = 64;
/// Sealed content that one transaction reads to hand it out, bytes; a first bericht is read whatever its size.
const MOST_BYTES: u64 = 8 << 20;

impl Work<'_> {
    /// The next row of a post, to be handed out or judged.
    pub(super) async fn next_of(&mut self, post: &Post, most: usize) -> Result<Option<EachRow<Verzegeld>>, StoreError> {
        loop {
            match self.known.leasable.get_mut(post) {
                Some(leasable) if !leasable.rows.is_empty() || leasable.is_cut || !leasable.more => {
                    return Ok(leasable.rows.pop_front());
                }
                // Not all that was looked up could be handed out: look up more at once.
                Some(_) => {
                    self.database().await?;
                    look_up(self, vec![(post.clone(), PAGE)]).await?;
                }
                None => {
                    self.database().await?;
                    look_up(self, vec![(post.clone(), most)]).await?;
                }
            }
        }
    }

    /// Whether there was more to hand out of a post than a transaction may read.
    pub(super) fn is_cut(&self, post: &Post) -> bool {
        self.known.leasable.get(post).is_some_and(|leasable| leasable.is_cut)
    }

    /// Whether rows of a post were looked up that were not taken yet.
    pub(super) fn has_next_of(&self, post: &Post) -> bool {
        self.known.leasable.get(post).is_some_and(|leasable| !leasable.rows.is_empty())
    }

    /// How far rows of a post were looked up.
    pub(super) fn place_in(&self, post: &Post) -> Place {
        self.known.leasable.get(post).map_or(post.after, |leasable| leasable.after)
    }
}

/// Looks up the next rows of these posts, at most so many of each.
pub(super) async fn look_up(work: &mut Work<'_>, posts: Vec<(Post, usize)>) -> Result<(), StoreError> {
    let mut listed = listed(work, &posts).await?;
    let mut chosen = Vec::new();
    let mut of_post = Vec::with_capacity(posts.len());
    for (at, (post, most)) in posts.into_iter().enumerate() {
        let begin = || Leasable { after: post.after, ..Leasable::default() };
        let leasable = work.known.leasable.entry(post.clone()).or_insert_with(begin);
        let tiers = listed.remove(&at).unwrap_or_default();
        let indexes = choose(leasable, tiers, most.min(PAGE), &mut work.known.content_read);
        chosen.extend_from_slice(&indexes);
        of_post.push((post, indexes));
    }
    let mut rows = read_many::<Verzegeld>(work.tx, &chosen).await?;
    for (post, indexes) in of_post {
        let found = indexes.into_iter().filter_map(|log_index| Some((log_index, rows.remove(&log_index)?)));
        work.known.leasable.entry(post).or_default().rows.extend(found);
    }
    Ok(())
}

/// Index and size of content, of rows in the order of the logboek.
type Tier = Vec<(u64, u64)>;

/// Which of the listed rows are read, with their content, for a post.
fn choose(leasable: &mut Leasable, tiers: [Tier; TIERS], most: usize, content_read: &mut u64) -> Vec<u64> {
    let mut chosen = Vec::new();
    leasable.more = false;
    for (tier, after) in tiers.into_iter().zip(&mut leasable.after) {
        for (log_index, bytes) in tier {
            if chosen.len() == most {
                leasable.more = true;
                return chosen;
            }
            if *content_read > 0 && *content_read + bytes > MOST_BYTES {
                leasable.is_cut = true;
                return chosen;
            }
            *content_read += bytes;
            *after = Some(log_index);
            chosen.push(log_index);
        }
    }
    chosen
}

/// The indexes of rows that meet a condition, with the size of their content, as one text.
macro_rules! indexes {
    ($after:literal, $($condition:expr),+) => {
        concat!(
            "(SELECT string_agg(CAST(x.log_index AS TEXT) || ':' || CAST(x.bytes AS TEXT), ' ') FROM \
             (SELECT p.log_index, coalesce(length(b.inhoud), 0) AS bytes FROM postvak p JOIN berichten b ON b.id = p.bericht WHERE ",
            $($condition),+,
            " AND p.houdbaar_tot_en_met >= v.vandaag AND (v.zonder = '' OR v.zonder NOT LIKE '%' || p.houdbaar_tot_en_met || '%') \
             AND p.log_index > ", $after, " ORDER BY p.log_index LIMIT {most}) AS x)"
        )
    };
}

/// Refused, by an older version or on an earlier day.
macro_rules! judged_before {
    () => {
        "p.toestand = 'geweigerd' AND (p.beoordeeld_versie < v.gelezen_versie \
         OR (p.beoordeeld_versie = v.gelezen_versie AND p.beoordeeld_dag < v.vandaag))"
    };
}

const OF_POSTVAK: &str = concat!(
    "SELECT v.nummer, ",
    indexes!(
        "v.na_eerst",
        "p.partner = v.partner AND p.loket = v.loket AND p.lease_tot <= v.nu AND p.toestand IN ",
        held!()
    ),
    " AS eerst, ",
    indexes!("v.na_dan", "p.partner = v.partner AND p.loket = v.loket AND ", judged_before!()),
    " AS dan, ",
    indexes!("v.na_laatst", "p.partner = v.partner AND p.loket = v.loket AND p.toestand = 'wacht'"),
    " AS laatst FROM {v}"
);

const OF_VERZOEK: &str = concat!(
    "SELECT v.nummer, ",
    indexes!(
        "v.na_eerst",
        "p.in_antwoord_op = v.verzoek AND p.partner = v.partner AND p.loket = v.loket AND (p.toestand IN ('wacht', 'gereserveerd') \
         OR (p.toestand = 'afgeleverd' AND p.lease_tot <= v.nu) OR (",
        judged_before!(),
        "))"
    ),
    " AS eerst, NULL AS dan, NULL AS laatst FROM {v}"
);

const POSTS: [Column<'_>; 11] = [
    Column::Int("nummer"),
    Column::Text("partner"),
    Column::Text("loket"),
    Column::Bytes("verzoek"),
    Column::Int("nu"),
    Column::Text("vandaag"),
    Column::Text("zonder"),
    Column::Int("gelezen_versie"),
    Column::Int("na_eerst"),
    Column::Int("na_dan"),
    Column::Int("na_laatst"),
];

/// Which rows there are for each of these posts, by the place of the post in this list.
async fn listed(work: &mut Work<'_>, posts: &[(Post, usize)]) -> Result<HashMap<usize, [Tier; TIERS]>, StoreError> {
    let (now, today) = (micros(work.now()), work.today().to_string());
    let known = &work.known.leasable;
    let cells = |(at, (post, _)): (usize, &(Post, usize))| {
        let Post { adres, verzoek, without, gelezen_versie, after } = post;
        let without: Vec<String> = without.iter().map(ToString::to_string).collect();
        let after = known.get(post).map_or(*after, |leasable| leasable.after);
        let [first, then, last] = after.map(|after| Cell::from(after.map_or(-1, int)));
        let verzoek = verzoek.map(|id| id.0.as_bytes().to_vec());
        [
            int(at as u64).into(),
            adres.partner.as_str().into(),
            adres.loket.as_str().into(),
            verzoek.into(),
            now.into(),
            today.as_str().into(),
            without.join(" ").into(),
            int(*gelezen_versie).into(),
            first,
            then,
            last,
        ]
    };
    let (of_verzoek, of_postvak): (Vec<_>, Vec<_>) =
        posts.iter().enumerate().partition(|(_, (post, _))| post.verzoek.is_some());
    let (of_verzoek, of_postvak) = (Rows::of(&POSTS, of_verzoek, cells), Rows::of(&POSTS, of_postvak, cells));
    // One more than is asked, to know whether there is more. It is rounded up, so that there are few different texts, which are
    // kept prepared.
    let most = posts.iter().map(|(_, most)| (most + 1).next_power_of_two().min(2 * PAGE)).max().unwrap_or(1);
    let [by_postvak, by_verzoek] = [OF_POSTVAK, OF_VERZOEK].map(|sql| sql.replace("{most}", &most.to_string()));
    let found = fetch_all(work.tx, [(by_postvak.as_str(), of_postvak), (by_verzoek.as_str(), of_verzoek)]).await?;
    found.iter().map(tiers).collect()
}

fn tiers(row: &DbRow) -> Result<(usize, [Tier; TIERS]), StoreError> {
    let mut tiers: [Tier; TIERS] = Default::default();
    for (tier, column) in tiers.iter_mut().zip(["eerst", "dan", "laatst"]) {
        let listed: Option<&str> = row.try_get(column)?;
        let pair = |pair: &str| {
            pair.split_once(':').and_then(|(index, bytes)| Some((index.parse().ok()?, bytes.parse().ok()?)))
        };
        let pairs = listed.unwrap_or_default().split(' ').filter_map(pair);
        tier.extend(pairs);
        tier.sort_unstable();
    }
    let nummer = usize::try_from(uint(row.try_get("nummer")?)).unwrap_or(usize::MAX);
    Ok((nummer, take(&mut tiers)))
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, ConnectOptions, Executor, any::AnyConnectOptions};

    use super::*;
    use crate::store::database::dialect::Dialect;

    #[test]
    fn of_large_content_one_transaction_reads_no_more_than_it_may_and_a_first_one_whatever_its_size() {
        let mut content_read = 0;
        let tiers = |bytes: u64| [Tier::new(), Tier::new(), vec![(1, bytes), (2, bytes), (3, bytes)]];
        let mut first = Leasable::default();
        assert_eq!(choose(&mut first, tiers(2 * MOST_BYTES), 64, &mut content_read), [1]);
        assert!(first.is_cut);
        let mut other = Leasable::default();
        assert_eq!(choose(&mut other, tiers(1), 64, &mut content_read), [0; 0]);
        assert!(other.is_cut);
        let (mut content_read, mut small) = (0, Leasable::default());
        assert_eq!(choose(&mut small, tiers(MOST_BYTES / 2), 64, &mut content_read), [1, 2]);
        assert!(small.is_cut && !small.more);
        let (mut content_read, mut asked) = (0, Leasable::default());
        assert_eq!(choose(&mut asked, tiers(1), 2, &mut content_read), [1, 2]);
        assert!(asked.more && !asked.is_cut);
    }

    /// A postvak can hold thousands of berichten, of which one is asked.
    #[tokio::test]
    async fn what_can_be_handed_out_is_found_without_looking_through_a_postvak() {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = "sqlite::memory:".parse().unwrap();
        let mut connection = options.connect().await.unwrap();
        Dialect::Sqlite.schema().run(&mut connection).await.unwrap();
        let names = POSTS.iter().zip(1..).map(|(column, at)| format!("column{at} AS {}", column.name()));
        let names: Vec<String> = names.collect();
        let row =
            format!("(SELECT {} FROM (VALUES (0, 'a', 'b', x'00', 1, 'd', '', 1, -1, -1, -1))) AS v", names.join(", "));
        let indexes = [
            (OF_POSTVAK, vec!["postvak_uitgereikt", "postvak_geweigerd", "postvak_wacht"]),
            (OF_VERZOEK, vec!["postvak_antwoord"]),
        ];
        for (sql, indexes) in indexes {
            let sql = format!("EXPLAIN QUERY PLAN {}", sql.replace("{v}", &row).replace("{most}", "64"));
            let plan = connection.fetch_all(AssertSqlSafe(sql)).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            for index in indexes {
                assert!(plan.iter().any(|step| step.contains(index)), "{index} is not used: {plan:#?}");
            }
            assert!(!plan.iter().any(|step| step.starts_with("SCAN p") || step.starts_with("SCAN b")), "{plan:#?}");
        }
    }
}
