//! The memory that the drivers share with the devices.
#![allow(unsafe_code)]

use core::cell::UnsafeCell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering};

use static_cell::ConstStaticCell;
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// The number of frames that can wait in each direction.
pub(super) const FRAMES: usize = 8;

/// A buffer for a frame and its header. The driver refuses a receive buffer of less than 1,526 bytes.
#[repr(align(4))]
pub(super) struct Buffer(pub [u8; 1528]);

/// The buffers of the network device.
pub(super) struct Buffers {
    pub received: [Buffer; FRAMES],
    pub sent: [Buffer; FRAMES],
}

pub(super) static BUFFERS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers {
    received: [const { Buffer([0; 1528]) }; FRAMES],
    sent: [const { Buffer([0; 1528]) }; FRAMES],
});

/// The number of pages. Each of the network device's two queues needs two pages, and so does the random source's queue.
const PAGES: usize = 6;

#[repr(align(4096))]
struct Pages(UnsafeCell<[[u8; PAGE_SIZE]; PAGES]>);

// SAFETY: `dma_alloc` returns a pointer to each page at most once, so no two users share a page.
unsafe impl Sync for Pages {}

static QUEUES: Pages = Pages(UnsafeCell::new([[0; PAGE_SIZE]; PAGES]));

/// The number of allocated pages.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The memory of the queues. The devices and the processor use the same addresses.
pub(super) struct Queues;

// SAFETY: each method's own comment argues its soundness.
unsafe impl Hal for Queues {
    /// Hands out `pages` pages that were not used before, or the address 0 if there are too few.
    ///
    /// The pages are zero, because they are in .bss and no page is ever handed out twice. The pages are aligned,
    /// because the type `Pages` is aligned.
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let first = TAKEN.fetch_add(pages, Ordering::Relaxed);
        if first + pages > PAGES {
            return (0, NonNull::dangling());
        }
        // SAFETY: the page is within `QUEUES`.
        let page = unsafe { QUEUES.0.get().cast::<[u8; PAGE_SIZE]>().add(first) };
        (page as PhysAddr, NonNull::new(page.cast()).unwrap_or(NonNull::dangling()))
    }

    // SAFETY: nothing is accessed. Pages that are given back are not used again. Each device is set up once, so there
    // are enough pages.
    unsafe fn dma_dealloc(_paddr: PhysAddr, _vaddr: NonNull<u8>, _pages: usize) -> i32 {
        0
    }

    // SAFETY: the processor uses physical addresses. Only the PCI transport calls this method, and there is no PCI
    // here.
    unsafe fn mmio_phys_to_virt(paddr: PhysAddr, _size: usize) -> NonNull<u8> {
        NonNull::new(paddr as usize as *mut u8).unwrap_or(NonNull::dangling())
    }

    // SAFETY: nothing is accessed. There is no address translation, and the caches are coherent with the devices.
    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        buffer.cast::<u8>().as_ptr() as PhysAddr
    }

    // SAFETY: nothing is accessed. `share` made no copy that would have to be copied back.
    unsafe fn unshare(_paddr: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}
