//! The workbook in memory.

use super::world::World;
use super::*;
use crate::sheets::SheetsFuture;

impl Sheets for World {
    fn ensure_tab<'a>(&'a self, tab: &'a Tab, _token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        Box::pin(async move {
            self.sheet_call(tab, None, |state| {
                state.tabs.entry(tab.name.clone()).or_default();
                Ok(())
            })
        })
    }
    fn append<'a>(&'a self, post: Post<'a>, _token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        Box::pin(async move {
            self.sheet_call(post.tab, Some(post), |state| {
                state.apply(post.tab, post.marker, post.rows.to_vec())
            })
        })
    }
    fn replace<'a>(&'a self, post: Post<'a>, token: &'a WriteToken) -> SheetsFuture<'a, ()> {
        self.append(post, token)
    }
    fn settle<'a>(&'a self, tab: &'a Tab, id: i32, _: &'a WriteToken) -> SheetsFuture<'a, Option<String>> {
        Box::pin(async move {
            self.sheet_call(tab, None, |state| {
                let markers = state.tabs.get(&tab.name).map_or(&[][..], |tab| &tab.markers);
                Ok(markers.iter().find(|marker| marker.id == id).map(|marker| marker.value.clone()))
            })
        })
    }
    fn markers<'a>(&'a self, tab: &'a Tab) -> SheetsFuture<'a, Vec<Marker>> {
        Box::pin(async move {
            self.sheet_call(tab, None, |state| {
                Ok(state.tabs.get(&tab.name).map_or(Vec::new(), |tab| tab.markers.clone()))
            })
        })
    }
    fn read<'a>(&'a self, _tab: &'a Tab) -> SheetsFuture<'a, Option<Vec<Vec<String>>>> {
        Box::pin(async { Ok(None) })
    }
}
