//! The buckets of a hash table. The table's entries are the elements of an array, and each element also stores one
//! bucket.

/// An index into the array of entries.
pub(super) type Index = u16;

/// The index that means "no entry".
pub(super) const NONE: Index = Index::MAX;

/// Whether tables use a hash. Without `std`, tables are small, and a linear search is much faster than a hash.
pub(super) const HASHED: bool = cfg!(feature = "std");

/// The two links in element `i` of the array. `first` is the index of the first entry of bucket `i`. `next` is the
/// index of the entry that follows entry `i` in its own bucket. Entry `i` can be in any bucket, not only in bucket `i`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    first: Index,
    next: Index,
}

impl Bucket {
    pub(super) const EMPTY: Bucket = Bucket { first: NONE, next: NONE };
}

/// An entry of a hash table, which stores a [`Bucket`].
pub(super) trait Hashed {
    fn bucket(&self) -> &Bucket;
    fn bucket_mut(&mut self) -> &mut Bucket;
}

/// Returns the index of the first entry in a bucket for which `is_same` returns true, or `None`.
pub(super) fn find<T: Hashed>(entries: &[T], bucket: usize, is_same: impl Fn(&T) -> bool) -> Option<usize> {
    let mut index = entries.get(bucket)?.bucket().first;
    while index != NONE {
        let entry = &entries[usize::from(index)];
        if is_same(entry) {
            return Some(index.into());
        }
        index = entry.bucket().next;
    }
    None
}

/// Adds the entry `index` to the front of a bucket.
pub(super) fn insert<T: Hashed>(entries: &mut [T], bucket: usize, index: usize) {
    entries[index].bucket_mut().next = entries[bucket].bucket().first;
    entries[bucket].bucket_mut().first = index as Index;
}

/// Removes the entry `index` from a bucket. Does nothing if the entry is not in this bucket.
pub(super) fn remove<T: Hashed>(entries: &mut [T], bucket: usize, index: usize) {
    let next = entries[index].bucket().next;
    let mut before = entries[bucket].bucket().first;
    if usize::from(before) == index {
        entries[bucket].bucket_mut().first = next;
        return;
    }
    // Search for the entry before `index`, whose link must skip `index`.
    while before != NONE {
        let chain = entries[usize::from(before)].bucket_mut();
        if usize::from(chain.next) == index {
            chain.next = next;
            return;
        }
        before = chain.next;
    }
}
