/*
 * A disk that fails, for replicas of the chaos suite: preloaded into their processes, and only there.
 *
 * Owns    what write and sync answer on files below one directory, as a page of memory that the suite maps says.
 * Never   touches a file outside that directory, or changes anything while the page says nothing.
 *
 * CMKMS_CHAOS_DISK  the directory, absolute and resolved
 * CMKMS_CHAOS_PAGE  a file of five 32-bit words in the machine's order: which calls (1 write, 2 sync), errno or 0,
 *                   delay in milliseconds, 1 for a torn write (half of it reaches the file), and a counter of what
 *                   was done, which this library alone writes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CALL_WRITE = 1, CALL_SYNC = 2 };

struct page {
  uint32_t calls, error, delay_ms, torn, done;
};

static volatile struct page *page;
static const char *directory;
static size_t directory_length;

__attribute__((constructor)) static void open_page(void) {
  const char *path = getenv("CMKMS_CHAOS_PAGE");
  directory = getenv("CMKMS_CHAOS_DISK");
  if (path == NULL || directory == NULL) return;
  directory_length = strlen(directory);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  void *mapped = fd < 0 ? MAP_FAILED
                        : mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    perror("disk-faults: CMKMS_CHAOS_PAGE");
    _exit(1);
  }
  close(fd);
  page = mapped;
}

static int lies_below(int fd) {
  char link[40], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  return length > (ssize_t)directory_length && path[directory_length] == '/' &&
         memcmp(path, directory, directory_length) == 0;
}

/* Waits where the page says so. Returns the error that the call should fail with, or 0. */
static int fault(int fd, uint32_t calls) {
  if (page == NULL || page->calls == 0) return 0;
  /* On a file opened with O_DSYNC a write is a sync as well. */
  if ((calls & CALL_WRITE) && (fcntl(fd, F_GETFL) & O_DSYNC)) calls |= CALL_SYNC;
  if ((page->calls & calls) == 0 || !lies_below(fd)) return 0;
  __atomic_fetch_add(&page->done, 1, __ATOMIC_RELAXED);
  uint32_t delay_ms = page->delay_ms;
  if (delay_ms > 0) {
    struct timespec left = {delay_ms / 1000, (long)(delay_ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
  }
  return (int)page->error;
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

#define FAIL(error)  \
  do {               \
    errno = (error); \
    return -1;       \
  } while (0)

ssize_t write(int fd, const void *bytes, size_t count) {
  static ssize_t (*next)(int, const void *, size_t);
  if (next == NULL) next = real("write");
  int error = fault(fd, CALL_WRITE);
  if (error == 0) return next(fd, bytes, count);
  if (page->torn) (void)!next(fd, bytes, count / 2);
  FAIL(error);
}

#define PWRITE(name, offset_type)                                             \
  ssize_t name(int fd, const void *bytes, size_t count, offset_type at) {     \
    static ssize_t (*next)(int, const void *, size_t, offset_type);           \
    if (next == NULL) next = real(#name);                                     \
    int error = fault(fd, CALL_WRITE);                                        \
    if (error == 0) return next(fd, bytes, count, at);                        \
    if (page->torn) (void)!next(fd, bytes, count / 2, at);                    \
    FAIL(error);                                                              \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
  static ssize_t (*next)(int, const struct iovec *, int);
  if (next == NULL) next = real("writev");
  int error = fault(fd, CALL_WRITE);
  if (error == 0) return next(fd, parts, count);
  FAIL(error);
}

#define PWRITEV(name, offset_type)                                            \
  ssize_t name(int fd, const struct iovec *parts, int count, offset_type at) { \
    static ssize_t (*next)(int, const struct iovec *, int, offset_type);      \
    if (next == NULL) next = real(#name);                                     \
    int error = fault(fd, CALL_WRITE);                                        \
    if (error == 0) return next(fd, parts, count, at);                        \
    FAIL(error);                                                              \
  }
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)

#define SYNC(name)                         \
  int name(int fd) {                       \
    static int (*next)(int);               \
    if (next == NULL) next = real(#name);  \
    int error = fault(fd, CALL_SYNC);      \
    if (error == 0) return next(fd);       \
    FAIL(error);                           \
  }
SYNC(fsync)
SYNC(fdatasync)
