/*
 * Keeps a log of every change that a process makes to the files below a folder.
 *
 * Loaded with LD_PRELOAD. POWER_ROOT is the folder, as a real path; POWER_LOG is the log. A record
 * is a header, a first and a second run of bytes; recording.py reads it. Records stand in the order
 * in which the changes were made: each is made and logged under one lock. A sync is two records,
 * one before and one after, since what is written meanwhile may or may not be covered by it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_FILES 65536

struct header {
    uint32_t kind;
    int32_t fd;
    int64_t offset;
    uint32_t first;
    uint32_t second;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char tracked[MOST_FILES];
static char root[PATH_MAX];
static size_t root_length;
static int log_fd = -1;
static pid_t owner;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
    return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) static void begin(void) {
    const char *folder = getenv("POWER_ROOT"), *log = getenv("POWER_LOG");
    if (folder == NULL || log == NULL)
        return;
    log_fd = REAL(open)(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    root_length = (size_t)snprintf(root, sizeof root, "%s", folder);
    owner = getpid();
    unsetenv("LD_PRELOAD"); /* a process that is started from here is not recorded */
}

static int recording(void) {
    return log_fd >= 0 && getpid() == owner;
}

static void record(char kind, int fd, int64_t offset, const void *first, size_t first_length,
                   const void *second, size_t second_length) {
    int kept = errno;
    struct header header = {(uint32_t)kind, fd, offset, (uint32_t)first_length,
                            (uint32_t)second_length};
    struct iovec parts[] = {{&header, sizeof header},
                            {(void *)first, first_length},
                            {(void *)second, second_length}};
    size_t whole = sizeof header + first_length + second_length;
    if (REAL(writev)(log_fd, parts, 3) != (ssize_t)whole) {
        static const char words[] = "power shim: the log cannot be written\n";
        REAL(write)(2, words, sizeof words - 1);
        abort();
    }
    errno = kept;
}

/* Make a path absolute; tell whether it is the folder or below it. */
static int below(int folder, const char *path, char whole[PATH_MAX]) {
    if (!recording() || path == NULL)
        return 0;
    if (path[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", path);
    } else {
        char link[64], base[PATH_MAX / 2];
        if (folder == AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/cwd");
        else
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0)
            return 0;
        base[length] = 0;
        snprintf(whole, PATH_MAX, "%s/%s", base, path);
    }
    return strncmp(whole, root, root_length) == 0 &&
           (whole[root_length] == '/' || whole[root_length] == 0);
}

static int watched(int fd) {
    return fd >= 0 && fd < MOST_FILES && tracked[fd] && recording();
}

/* Opening */

typedef int opener(int folder, const char *path, int flags, mode_t mode);

static int open_any(opener *how, int folder, const char *path, int flags, mode_t mode) {
    char whole[PATH_MAX];
    if (!below(folder, path, whole)) {
        int fd = how(folder, path, flags, mode);
        if (fd >= 0 && fd < MOST_FILES)
            tracked[fd] = 0;
        return fd;
    }
    pthread_mutex_lock(&lock);
    int fd = how(folder, path, flags, mode);
    if (fd >= 0 && fd < MOST_FILES) {
        tracked[fd] = 1;
        record('O', fd, flags, whole, strlen(whole), NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static int with_open(int folder, const char *path, int flags, mode_t mode) {
    (void)folder;
    return REAL(open)(path, flags, mode);
}

static int with_openat(int folder, const char *path, int flags, mode_t mode) {
    return REAL(openat)(folder, path, flags, mode);
}

#define TAKE_MODE(flags, mode)               \
    mode_t mode = 0;                         \
    if ((flags) & (O_CREAT | O_TMPFILE)) {   \
        va_list arguments;                   \
        va_start(arguments, flags);          \
        mode = va_arg(arguments, mode_t);    \
        va_end(arguments);                   \
    }

int open(const char *path, int flags, ...) {
    TAKE_MODE(flags, mode)
    return open_any(with_open, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    TAKE_MODE(flags, mode)
    return open_any(with_open, AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

int openat(int folder, const char *path, int flags, ...) {
    TAKE_MODE(flags, mode)
    return open_any(with_openat, folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...) {
    TAKE_MODE(flags, mode)
    return open_any(with_openat, folder, path, flags | O_LARGEFILE, mode);
}

int creat(const char *path, mode_t mode) {
    return open_any(with_open, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int close(int fd) {
    if (!watched(fd))
        return REAL(close)(fd);
    pthread_mutex_lock(&lock);
    int result = REAL(close)(fd);
    tracked[fd] = 0;
    record('C', fd, 0, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

/* Contents */

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) {
    if (!watched(fd))
        return REAL(pwrite)(fd, bytes, length, offset);
    pthread_mutex_lock(&lock);
    ssize_t result = REAL(pwrite)(fd, bytes, length, offset);
    if (result > 0)
        record('W', fd, offset, bytes, (size_t)result, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
    return pwrite(fd, bytes, length, (off_t)offset);
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (!watched(fd))
        return REAL(write)(fd, bytes, length);
    pthread_mutex_lock(&lock);
    ssize_t result = REAL(write)(fd, bytes, length);
    if (result > 0)
        record('W', fd, lseek(fd, 0, SEEK_CUR) - result, bytes, (size_t)result, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!watched(fd))
        return REAL(writev)(fd, parts, count);
    ssize_t whole = 0;
    for (int i = 0; i < count; i++) {
        ssize_t result = write(fd, parts[i].iov_base, parts[i].iov_len);
        if (result < 0)
            return whole ? whole : result;
        whole += result;
        if ((size_t)result < parts[i].iov_len)
            break;
    }
    return whole;
}

ssize_t sendfile(int fd, int from, off_t *offset, size_t length) {
    if (!watched(fd))
        return REAL(sendfile)(fd, from, offset, length);
    pthread_mutex_lock(&lock);
    off_t start = offset ? *offset : lseek(from, 0, SEEK_CUR);
    ssize_t result = REAL(sendfile)(fd, from, offset, length);
    if (result > 0) {
        char *bytes = malloc((size_t)result);
        if (bytes == NULL || pread(from, bytes, (size_t)result, start) != result)
            abort();
        record('W', fd, lseek(fd, 0, SEEK_CUR) - result, bytes, (size_t)result, NULL, 0);
        free(bytes);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t sendfile64(int fd, int from, off64_t *offset, size_t length) {
    return sendfile(fd, from, (off_t *)offset, length);
}

int ftruncate(int fd, off_t size) {
    if (!watched(fd))
        return REAL(ftruncate)(fd, size);
    pthread_mutex_lock(&lock);
    int result = REAL(ftruncate)(fd, size);
    if (result == 0)
        record('T', fd, size, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int fd, off64_t size) {
    return ftruncate(fd, (off_t)size);
}

int posix_fallocate(int fd, off_t offset, off_t length) {
    if (!watched(fd))
        return REAL(posix_fallocate)(fd, offset, length);
    pthread_mutex_lock(&lock);
    int result = REAL(posix_fallocate)(fd, offset, length);
    if (result == 0)
        record('A', fd, offset + length, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
    return posix_fallocate(fd, (off_t)offset, (off_t)length);
}

/* Syncs: given time, so that others write meanwhile, as they do on a real disk. */

static int sync_any(int (*how)(int), int fd) {
    if (!watched(fd))
        return how(fd);
    pthread_mutex_lock(&lock);
    record('B', fd, 0, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    usleep(500);
    int result = how(fd);
    pthread_mutex_lock(&lock);
    if (result == 0)
        record('S', fd, 0, NULL, 0, NULL, 0);
    pthread_mutex_unlock(&lock);
    return result;
}

int fsync(int fd) {
    return sync_any(REAL(fsync), fd);
}

int fdatasync(int fd) {
    return sync_any(REAL(fdatasync), fd);
}

/* Names */

#define NAMES(kind, one, other, call)                                             \
    char first[PATH_MAX] = "", second[PATH_MAX] = "";                             \
    int here = below(AT_FDCWD, one, first) | below(AT_FDCWD, other, second);      \
    if (!here)                                                                    \
        return call;                                                              \
    pthread_mutex_lock(&lock);                                                    \
    int result = call;                                                            \
    if (result == 0)                                                              \
        record(kind, -1, 0, first, strlen(first), second, strlen(second));        \
    pthread_mutex_unlock(&lock);                                                  \
    return result;

int unlink(const char *path) {
    NAMES('U', path, NULL, REAL(unlink)(path))
}

int rmdir(const char *path) {
    NAMES('U', path, NULL, REAL(rmdir)(path))
}

int mkdir(const char *path, mode_t mode) {
    NAMES('M', path, NULL, REAL(mkdir)(path, mode))
}

int rename(const char *old, const char *new) {
    NAMES('R', old, new, REAL(rename)(old, new))
}

int link(const char *old, const char *new) {
    NAMES('L', old, new, REAL(link)(old, new))
}
