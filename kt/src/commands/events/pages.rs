//! Events in any number, page by page.

use collector::{Api, ApiError, Cursor, EventFilter, EventQuery, LARGEST_PAGE, Order};
use serde_json::value::RawValue;

/// One event, as its gateway wrote it.
pub(crate) type RawEvent = Box<RawValue>;

/// Hands every page of up to `limit` events to `take`, in `order`.
pub(crate) fn each_page<E: From<ApiError>>(
    api: &dyn Api,
    filter: &EventFilter,
    order: Order,
    limit: usize,
    mut take: impl FnMut(Vec<RawEvent>) -> Result<(), E>,
) -> Result<(), E> {
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
        // A cursor that cannot be read is no way on.
        cursor = page.next_cursor.and_then(|text| Cursor::parse(&text).ok());
        if cursor.is_none() {
            break;
        }
    }
    Ok(())
}

/// The latest `limit` events, oldest first.
pub(crate) fn latest(
    api: &dyn Api,
    filter: &EventFilter,
    limit: usize,
) -> Result<Vec<RawEvent>, ApiError> {
    let mut events = Vec::new();
    each_page(api, filter, Order::NewestFirst, limit, |page| {
        events.extend(page);
        Ok::<(), ApiError>(())
    })?;
    events.reverse();
    Ok(events)
}
