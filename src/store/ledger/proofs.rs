//! Proofs from the stored tree: any regel, at any size for which a checkpoint was issued.

use std::collections::HashMap;

use sqlx::Row;

use crate::{
    logboek::{Hash, Node, TILE_WIDTH, TlogProof, fold, inclusion_proof, needed_for_inclusion, tile_of},
    store::{
        DbConnection, Pool, StoreError,
        values::{int, uint},
    },
};

/// The newest checkpoint: size and signed note.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn newest_checkpoint(read: &Pool) -> Result<Option<(u64, String)>, StoreError> {
    let row =
        sqlx::query("SELECT grootte, nota FROM checkpoints ORDER BY grootte DESC LIMIT 1").fetch_optional(read).await?;
    Ok(row.map(|row| (uint(row.get("grootte")), row.get("nota"))))
}

/// The checkpoint of the commit that appended this regel: the first one that covers it.
///
/// # Errors
/// [`StoreError::Database`].
pub async fn original_checkpoint(read: &Pool, log_index: u64) -> Result<Option<(u64, String)>, StoreError> {
    let row = sqlx::query("SELECT grootte, nota FROM checkpoints WHERE grootte > $1 ORDER BY grootte LIMIT 1")
        .bind(int(log_index))
        .fetch_optional(read)
        .await?;
    Ok(row.map(|row| (uint(row.get("grootte")), row.get("nota"))))
}

/// The proof of one regel under a checkpoint, or `None` where there is no such regel under it.
///
/// # Errors
/// [`StoreError`] when the tree cannot be read or lacks a node.
pub async fn prove(
    read: &Pool,
    log_index: u64,
    (grootte, nota): (u64, String),
) -> Result<Option<TlogProof>, StoreError> {
    let mut connection = read.acquire().await?;
    let row = sqlx::query("SELECT regel FROM logregels WHERE log_index = $1")
        .bind(int(log_index))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row.filter(|_| log_index < grootte) else { return Ok(None) };
    let mut nodes = HashMap::new();
    for node in needed_for_inclusion(log_index, grootte) {
        nodes.insert(node, read_node(&mut connection, node).await?);
    }
    let hashes = inclusion_proof(log_index, grootte, |node| {
        nodes.get(&node).copied().ok_or_else(|| StoreError::inconsistent("tegels", "hashes", format!("{node:?}")))
    })?;
    Ok(Some(TlogProof { extra: Some(row.get("regel")), index: log_index, hashes, checkpoint: nota }))
}

async fn read_node(connection: &mut DbConnection, node: Node) -> Result<Hash, StoreError> {
    let (niveau, nummer, within) = tile_of(node);
    let row = sqlx::query("SELECT hashes FROM tegels WHERE niveau = $1 AND nummer = $2")
        .bind(i64::from(niveau))
        .bind(int(nummer))
        .fetch_optional(&mut *connection)
        .await?;
    let bytes: Vec<u8> = match row {
        Some(row) => row.get("hashes"),
        // The last level-0 tile is stored once full; until then its hashes stand with the leaves.
        None if niveau == 0 => {
            let start = nummer * TILE_WIDTH;
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
