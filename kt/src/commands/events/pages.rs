//! Events in any number, page by page.

use collector::{Api, ApiError, Cursor, EventFilter, EventQuery, LARGEST_PAGE, Order};
use serde_json::value::RawValue;

/// One event, as its gateway wrote it.
pub(crate) type RawEvent = Box<RawValue>;

/// Hands every page of up to `limit` events to `take`, in `order`; `true` if there are more.
pub(crate) fn each_page<E: From<ApiError>>(
    api: &dyn Api,
    filter: &EventFilter,
    order: Order,
    limit: usize,
    mut take: impl FnMut(Vec<RawEvent>) -> Result<(), E>,
) -> Result<bool, E> {
    let mut left = limit;
    let mut cursor = None;
    while left > 0 {
        let page = api.events(&EventQuery {
            filter: filter.clone(),
            order,
            limit: left.min(LARGEST_PAGE),
            cursor,
        })?;
        left = left.saturating_sub(page.data.len().max(1));
        take(page.data)?;
        // A cursor that cannot be read is no end.
        let next = page.next_cursor.as_deref().map(Cursor::parse);
        cursor = next
            .transpose()
            .map_err(|error| ApiError::Query(error.into()))?;
        if cursor.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The latest events, oldest first.
pub(crate) struct Latest {
    pub(crate) events: Vec<RawEvent>,
    /// There are older ones.
    pub(crate) more: bool,
}

/// The latest `limit` events.
pub(crate) fn latest(
    api: &dyn Api,
    filter: &EventFilter,
    limit: usize,
) -> Result<Latest, ApiError> {
    let mut events = Vec::new();
    let more = each_page(api, filter, Order::NewestFirst, limit, |page| {
        events.extend(page);
        Ok::<(), ApiError>(())
    })?;
    events.reverse();
    Ok(Latest { events, more })
}
