//! Proofs from the stored trees: any regel, under a checkpoint of its logboek.

use std::collections::HashMap;

use sqlx::Row;

use crate::{
    logboek::{
        Hash, Node, TILE_WIDTH, TlogProof, consistency_proof, fold, inclusion_proof, needed_for_consistency,
        needed_for_inclusion, tile_of,
    },
    store::{
        DbConnection, Pool, StoreError,
        values::{int, uint},
    },
};

/// The newest checkpoint of all: size and signed note.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn newest_checkpoint(read: &Pool) -> Result<Option<(u64, String)>, StoreError> {
    let row = sqlx::query("SELECT grootte, nota FROM checkpoints ORDER BY logboek DESC, grootte DESC LIMIT 1")
        .fetch_optional(read)
        .await?;
    Ok(row.map(|row| (uint(row.get("grootte")), row.get("nota"))))
}

/// Under which checkpoint a regel is proven.
#[derive(Clone, Copy)]
pub enum Under {
    /// The one of the commit that appended it: the first that covers it.
    Original,
    /// The newest one of its logboek.
    Newest,
}

/// A logboek in the database, for who reads its tree.
struct Tree {
    nummer: i64,
    /// `log_index` of its first regel.
    eerste: u64,
}

/// The proof of one regel, or `None` where there is no such regel, or none under such a checkpoint.
///
/// # Errors
/// [`StoreError`] when the tree cannot be read or lacks a node.
pub async fn prove(read: &Pool, log_index: u64, under: Under) -> Result<Option<TlogProof>, StoreError> {
    let mut connection = read.acquire().await?;
    let row = sqlx::query(
        "SELECT r.regel, l.nummer, l.eerste FROM logregels r JOIN logboeken l ON l.eerste <= r.log_index \
         WHERE r.log_index = $1 ORDER BY l.nummer DESC LIMIT 1",
    )
    .bind(int(log_index))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let tree = Tree { nummer: row.try_get("nummer")?, eerste: uint(row.try_get("eerste")?) };
    let index = log_index - tree.eerste;
    let Some((grootte, nota)) = checkpoint(&mut connection, &tree, index, under).await? else { return Ok(None) };
    let nodes = read_nodes(&mut connection, &tree, needed_for_inclusion(index, grootte)).await?;
    let hashes = inclusion_proof(index, grootte, |node| known(&nodes, node))?;
    Ok(Some(TlogProof { extra: Some(row.try_get("regel")?), index, hashes, checkpoint: nota }))
}

/// The newest checkpoint of the logboek with this name, and the proof that it goes on from the tree of `old` regels; `None` where there
/// is no such logboek, or none that is as long.
///
/// # Errors
/// [`StoreError`] when the tree cannot be read or lacks a node.
pub async fn prove_growth(read: &Pool, naam: &str, old: u64) -> Result<Option<(String, Vec<Hash>)>, StoreError> {
    let mut connection = read.acquire().await?;
    let row = sqlx::query("SELECT nummer, eerste FROM logboeken WHERE naam = $1")
        .bind(naam)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let tree = Tree { nummer: row.try_get("nummer")?, eerste: uint(row.try_get("eerste")?) };
    // The newest one that is at least as long.
    let last = old.saturating_sub(1);
    let Some((grootte, nota)) = checkpoint(&mut connection, &tree, last, Under::Newest).await? else { return Ok(None) };
    let needed = needed_for_consistency(old, grootte);
    let nodes = read_nodes(&mut connection, &tree, needed).await?;
    Ok(Some((nota, consistency_proof(old, grootte, |node| known(&nodes, node))?)))
}

/// How a logboek grew over a stretch of regels.
pub struct Schakel {
    /// The newest checkpoint from before it, a signed note; none where the logboek begins in it.
    pub van: Option<String>,
    /// The first checkpoint that covers the last regel of it.
    pub tot: String,
    /// The proof of RFC 6962, section 2.1.2, from the one to the other.
    pub hashes: Vec<Hash>,
}

/// How each logboek grew over the regels from one index on, before another, in order. What no checkpoint covers is left out.
///
/// # Errors
/// [`StoreError`] when a tree cannot be read or lacks a node.
pub async fn keten(read: &Pool, van: u64, tot: u64) -> Result<Vec<Schakel>, StoreError> {
    let mut connection = read.acquire().await?;
    let rows = sqlx::query("SELECT nummer, eerste FROM logboeken ORDER BY nummer").fetch_all(&mut *connection).await?;
    let trees =
        rows.iter().map(|row| Ok(Tree { nummer: row.try_get("nummer")?, eerste: uint(row.try_get("eerste")?) }));
    let trees: Vec<Tree> = trees.collect::<Result<_, StoreError>>()?;
    let mut keten = Vec::new();
    for (number, tree) in trees.iter().enumerate() {
        let end = trees.get(number + 1).map_or(u64::MAX, |next| next.eerste).min(tot);
        let begin = van.max(tree.eerste);
        if begin >= end {
            continue;
        }
        let last = end - 1 - tree.eerste;
        let Some((new, tot)) = checkpoint(&mut connection, tree, last, Under::Original).await? else { continue };
        let sql =
            "SELECT grootte, nota FROM checkpoints WHERE logboek = $1 AND grootte <= $2 ORDER BY grootte DESC LIMIT 1";
        let old = sqlx::query(sql).bind(tree.nummer).bind(int(begin - tree.eerste));
        let old = old.fetch_optional(&mut *connection).await?;
        let old =
            old.map(|row| Ok::<_, StoreError>((uint(row.try_get("grootte")?), row.try_get("nota")?))).transpose()?;
        let (size, van) = old.map_or((0, None), |(size, nota): (u64, String)| (size, Some(nota)));
        let nodes = read_nodes(&mut connection, tree, needed_for_consistency(size, new)).await?;
        let hashes = consistency_proof(size, new, |node| known(&nodes, node))?;
        keten.push(Schakel { van, tot, hashes });
    }
    Ok(keten)
}

async fn read_nodes(
    connection: &mut DbConnection,
    tree: &Tree,
    needed: Vec<Node>,
) -> Result<HashMap<Node, Hash>, StoreError> {
    let mut nodes = HashMap::new();
    for node in needed {
        nodes.insert(node, read_node(connection, tree, node).await?);
    }
    Ok(nodes)
}

fn known(nodes: &HashMap<Node, Hash>, node: Node) -> Result<Hash, StoreError> {
    nodes.get(&node).copied().ok_or_else(|| StoreError::inconsistent("tegels", "hashes", format!("{node:?}")))
}

/// A checkpoint that covers the regel at `index` of a tree.
async fn checkpoint(
    connection: &mut DbConnection,
    tree: &Tree,
    index: u64,
    under: Under,
) -> Result<Option<(u64, String)>, StoreError> {
    let sql = match under {
        Under::Original => {
            "SELECT grootte, nota FROM checkpoints WHERE logboek = $1 AND grootte > $2 ORDER BY grootte LIMIT 1"
        }
        Under::Newest => {
            "SELECT grootte, nota FROM checkpoints WHERE logboek = $1 AND grootte > $2 ORDER BY grootte DESC LIMIT 1"
        }
    };
    let row = sqlx::query(sql).bind(tree.nummer).bind(int(index)).fetch_optional(connection).await?;
    row.map(|row| Ok((uint(row.try_get("grootte")?), row.try_get("nota")?))).transpose()
}

async fn read_node(connection: &mut DbConnection, tree: &Tree, node: Node) -> Result<Hash, StoreError> {
    let (niveau, nummer, within) = tile_of(node);
    let row = sqlx::query("SELECT hashes FROM tegels WHERE logboek = $1 AND niveau = $2 AND nummer = $3")
        .bind(tree.nummer)
        .bind(i64::from(niveau))
        .bind(int(nummer))
        .fetch_optional(&mut *connection)
        .await?;
    let bytes: Vec<u8> = match row {
        Some(row) => row.get("hashes"),
        // The last level-0 tile is stored once full; until then its hashes stand with the leaves.
        None if niveau == 0 => {
            let start = tree.eerste + nummer * TILE_WIDTH;
            let rows =
                sqlx::query("SELECT hash FROM logregels WHERE log_index >= $1 AND log_index < $2 ORDER BY log_index")
                    .bind(int(start))
                    .bind(int(start + TILE_WIDTH))
                    .fetch_all(&mut *connection)
                    .await?;
            rows.iter().flat_map(|row| row.get::<Vec<u8>, _>("hash")).collect()
        }
        None => Vec::new(),
    };
    let damaged = || StoreError::inconsistent("tegels", "hashes", format!("{niveau}/{nummer}"));
    let hashes = bytes.as_chunks::<32>().0;
    Ok(fold(hashes.get(within).ok_or_else(damaged)?))
}
