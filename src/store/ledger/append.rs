//! Appending to the logboek inside a transaction: leaves, tree, tiles, signed checkpoint, head.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use sqlx::Row;

use crate::{
    domain::BerichtId,
    logboek::{Hash, Head, Logregel, Node, Signer, TILE_WIDTH, TlogProof, commitment, inclusion_proof, tijd, tile_of},
    sleutels::{CommitmentOpening, OpeningKeys, Veld, openingen::Place},
    store::{
        DbConnection, StoreError,
        database::rows::{Column, Rows, Script, fetch_all},
        values::{int, micros, moment, uint},
    },
};

/// A commitment in a regel, and what opens it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// As it stands in the regel.
    pub commitment: String,
    /// What opens it.
    pub opening: CommitmentOpening,
}

impl Committed {
    /// A commitment to a value with this salt.
    #[must_use]
    pub fn to(value: &[u8], opening: CommitmentOpening) -> Self {
        Self { commitment: commitment(&opening.zout, value), opening }
    }
}

/// A commit: the head that it signed, and the nodes that prove what it appended.
#[derive(Debug)]
pub struct Commit {
    /// The head.
    pub head: Arc<Head>,
    nodes: HashMap<Node, Hash>,
}

impl Commit {
    /// The tlog-proof of a regel that this commit appended, with the regel itself as `extra`.
    #[must_use]
    pub fn proof(&self, log_index: u64, regel: Vec<u8>) -> TlogProof {
        let read = |node: Node| self.nodes.get(&node).copied().ok_or(());
        let index = log_index - self.head.eerste;
        let hashes = inclusion_proof(index, self.head.grootte(), read)
            .expect("a proof of a new regel needs only the old frontier and what the commit made");
        TlogProof { extra: Some(regel), index, hashes, checkpoint: self.head.nota.clone() }
    }
}

/// The regels of one transaction.
pub struct Appender {
    head: Head,
    /// Whether the logboek begins with this transaction.
    begins: bool,
    nodes: HashMap<Node, Hash>,
    regels: Vec<NewRegel>,
    openingen: Vec<Kept>,
}

/// An opening that is to be sealed and kept with a regel.
struct Kept {
    log_index: u64,
    leaf: Hash,
    veld: Veld,
    volgnummer: u16,
    opening: CommitmentOpening,
}

struct NewRegel {
    leaf: Vec<u8>,
    hash: Hash,
    bericht: Option<BerichtId>,
}

impl Appender {
    /// The regels that this transaction appended so far.
    pub(in crate::store) fn appended(&self) -> impl Iterator<Item = &[u8]> {
        self.regels.iter().map(|regel| regel.leaf.as_slice())
    }

    /// Goes on after this head, at a moment that is never before its last regel.
    #[must_use]
    pub fn new(head: &Head, now: Timestamp) -> Self {
        let mut head = head.clone();
        // The database keeps microseconds. So what is judged in this transaction is judged by the very moment that its regels have.
        head.tijd = head.tijd.max(moment(micros(now)));
        let nodes = head.nodes().into_iter().collect();
        Self { head, begins: false, nodes, regels: Vec::new(), openingen: Vec::new() }
    }

    /// Begins a logboek, at this moment.
    #[must_use]
    pub(in crate::store) fn begin(next: &Head, now: Timestamp) -> Self {
        Self { begins: true, ..Self::new(next, now) }
    }

    /// `tijd` of everything in this transaction.
    #[must_use]
    pub fn tijd(&self) -> Timestamp {
        self.head.tijd
    }

    /// Appends one regel; `tijd` and `bericht` are filled in here. Gives its index and its bytes.
    ///
    /// # Errors
    /// [`StoreError::Regel`] when it cannot stand in a logboek, for example because it is too long; then nothing was appended.
    pub fn append(&mut self, bericht: Option<BerichtId>, regel: Logregel) -> Result<(u64, Vec<u8>), StoreError> {
        let regel = Logregel { tijd: tijd(self.head.tijd), bericht: bericht.map(|id| id.to_string()), ..regel };
        let leaf = regel.to_leaf()?;
        let index = self.head.next_index();
        let nodes = &mut self.nodes;
        let hash = self.head.push(&leaf, regel.soort, &mut |node, hash| {
            nodes.insert(node, hash);
        });
        self.regels.push(NewRegel { leaf: leaf.clone(), hash, bericht });
        Ok((index, leaf))
    }

    /// Keeps what opens the commitments in the regel that was appended last: for each field its commitments, in their order.
    pub fn keep_openings<'o>(&mut self, of: impl IntoIterator<Item = (Veld, &'o [Committed])>) {
        let (log_index, leaf) = (self.head.next_index() - 1, self.regels.last().map_or([0; 32], |regel| regel.hash));
        for (veld, committed) in of {
            for (volgnummer, Committed { opening, .. }) in (0..).zip(committed) {
                self.openingen.push(Kept { log_index, leaf, veld, volgnummer, opening: opening.clone() });
            }
        }
    }

    /// The version of what is in force, with what this transaction changes of it.
    #[must_use]
    pub fn versie(&self) -> u64 {
        self.head.teksten.versie
    }

    /// Adds to `script` what is to be written, the head last. Gives the commit; it may be used only once the transaction is
    /// durable.
    pub(in crate::store) async fn finish(
        self,
        tx: &mut DbConnection,
        script: &mut Script,
        signer: &Signer,
        keys: &OpeningKeys,
    ) -> Result<Commit, StoreError> {
        let Self { mut head, begins, nodes, regels, openingen } = self;
        let (first, nummer) = (head.next_index() - regels.len() as u64, i64::from(head.nummer));
        let tiles = grown_tiles(tx, &head, first - head.eerste, &regels, &nodes).await?;
        insert_regels(script, first, regels);
        let key = keys.of(head.tijd);
        let opening = |Kept { log_index, leaf, veld, volgnummer, opening }: Kept| {
            let sealed = key.seal(&Place { leaf: &leaf, veld, volgnummer }, &opening);
            [int(log_index).into(), veld.as_str().into(), i64::from(volgnummer).into(), sealed.into()]
        };
        script.insert("openingen", Rows::of(&OPENINGEN, openingen, opening), "");
        let tile = |((niveau, in_level), hashes): ((u8, u64), Vec<u8>)| {
            [nummer.into(), i64::from(niveau).into(), int(in_level).into(), hashes.into()]
        };
        script.insert(
            "tegels",
            Rows::of(&TEGELS, tiles, tile),
            "ON CONFLICT (logboek, niveau, nummer) DO UPDATE SET hashes = excluded.hashes",
        );
        head.sign(signer).map_err(|error| StoreError::Broken(error.to_string()))?;
        let issued = [nummer.into(), int(head.grootte()).into(), head.nota.as_str().into()];
        script.insert("checkpoints", Rows::of(&CHECKPOINTS, [issued], |row| row), "");
        let row = || [nummer.into(), head.naam.as_str().into(), int(head.eerste).into()];
        if begins {
            script.insert("logboeken", Rows::of(&LOGBOEKEN, [row()], |row| row), "");
        }
        let [nummer, naam, eerste] = row();
        let newest = [nummer, naam, eerste, head.nota.as_str().into()];
        script.statement(
            "UPDATE logboek SET nummer = v.nummer, naam = v.naam, eerste = v.eerste, nota = v.nota FROM {v} \
             WHERE logboek.id = 1",
            Rows::of(&LOGBOEK, [newest], |row| row),
        );
        Ok(Commit { head: Arc::new(head), nodes })
    }

    /// Whether anything was appended.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.regels.is_empty()
    }
}

const LOGBOEKEN: [Column<'_>; 3] = [Column::Int("nummer"), Column::Text("naam"), Column::Int("eerste")];
const LOGBOEK: [Column<'_>; 4] =
    [Column::Int("nummer"), Column::Text("naam"), Column::Int("eerste"), Column::Text("nota")];
const OPENINGEN: [Column<'_>; 4] =
    [Column::Int("log_index"), Column::Text("veld"), Column::Int("volgnummer"), Column::Bytes("verzegeld")];
const CHECKPOINTS: [Column<'_>; 3] = [Column::Int("logboek"), Column::Int("grootte"), Column::Text("nota")];
const TEGELS: [Column<'_>; 4] =
    [Column::Int("logboek"), Column::Int("niveau"), Column::Int("nummer"), Column::Bytes("hashes")];
const REGELS: [Column<'_>; 4] =
    [Column::Int("log_index"), Column::Bytes("regel"), Column::Bytes("hash"), Column::Bytes("bericht")];

fn insert_regels(script: &mut Script, first: u64, regels: Vec<NewRegel>) {
    let row = |(index, NewRegel { leaf, hash, bericht }): (u64, NewRegel)| {
        let bericht = bericht.map(|id| id.0.as_bytes().to_vec());
        [int(index).into(), leaf.into(), hash.as_slice().into(), bericht.into()]
    };
    script.insert("logregels", Rows::of(&REGELS, (first..).zip(regels), row), "");
}

/// The level-0 tiles that became full, and every higher tile that grew: by level and number, with all their hashes. `first` is the
/// place of the first new regel in the tree.
async fn grown_tiles(
    tx: &mut DbConnection,
    head: &Head,
    first: u64,
    regels: &[NewRegel],
    nodes: &HashMap<Node, Hash>,
) -> Result<BTreeMap<(u8, u64), Vec<u8>>, StoreError> {
    let mut added: BTreeMap<(u8, u64), BTreeMap<u64, Hash>> = BTreeMap::new();
    let full = first / TILE_WIDTH..(first + regels.len() as u64) / TILE_WIDTH;
    for (index, regel) in (first..).zip(regels).filter(|(index, _)| full.contains(&(index / TILE_WIDTH))) {
        added.entry((0, index / TILE_WIDTH)).or_default().insert(index, regel.hash);
    }
    for (node, hash) in nodes {
        let (niveau, nummer, _) = tile_of(*node);
        // Nodes of the old frontier are in their tile already.
        let is_new = (node.index + 1) << node.level > first;
        if node.level > 0 && node.level % 8 == 0 && is_new {
            added.entry((niveau, nummer)).or_default().insert(node.index, *hash);
        }
    }
    let mut tiles = begun_tiles(tx, head, first, added.keys().copied().collect()).await?;
    for (tile, hashes) in added {
        let bytes = tiles.entry(tile).or_default();
        bytes.extend(hashes.values().flatten());
    }
    Ok(tiles)
}

/// What these tiles hold already: a tile of level 0 the hashes of the regels before `first`, a higher tile what was written of it.
async fn begun_tiles(
    tx: &mut DbConnection,
    head: &Head,
    first: u64,
    tiles: Vec<(u8, u64)>,
) -> Result<BTreeMap<(u8, u64), Vec<u8>>, StoreError> {
    let (leaves, higher): (Vec<_>, Vec<_>) = tiles.into_iter().partition(|(niveau, _)| *niveau == 0);
    // Of several tiles that become full only the first was begun before.
    let leaves = leaves.into_iter().filter(|(_, nummer)| nummer * TILE_WIDTH < first);
    let leaves = Rows::of(&[Column::Int("nummer"), Column::Int("van"), Column::Int("tot")], leaves, |(_, nummer)| {
        [int(nummer).into(), int(head.eerste + nummer * TILE_WIDTH).into(), int(head.eerste + first).into()]
    });
    let higher = Rows::of(
        &[Column::Int("logboek"), Column::Int("niveau"), Column::Int("nummer")],
        higher,
        |(niveau, nummer)| [i64::from(head.nummer).into(), i64::from(niveau).into(), int(nummer).into()],
    );
    let of_leaves = "SELECT CAST(0 AS BIGINT) AS niveau, v.nummer, r.log_index, r.hash AS hashes FROM {v} \
                     JOIN logregels r ON r.log_index >= v.van AND r.log_index < v.tot";
    let of_higher = "SELECT t.niveau, t.nummer, CAST(0 AS BIGINT) AS log_index, t.hashes FROM {v} \
                     JOIN tegels t ON t.logboek = v.logboek AND t.niveau = v.niveau AND t.nummer = v.nummer";
    let mut found: BTreeMap<(u8, u64), BTreeMap<i64, Vec<u8>>> = BTreeMap::new();
    for row in fetch_all(tx, [(of_leaves, leaves), (of_higher, higher)]).await? {
        let nummer = uint(row.try_get("nummer")?);
        let niveau = u8::try_from(row.try_get::<i64, _>("niveau")?);
        let niveau = niveau.map_err(|_| StoreError::inconsistent("tegels", "niveau", nummer))?;
        found.entry((niveau, nummer)).or_default().insert(row.try_get("log_index")?, row.try_get("hashes")?);
    }
    Ok(found.into_iter().map(|(tile, parts)| (tile, parts.into_values().flatten().collect())).collect())
}
