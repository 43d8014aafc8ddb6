// SPDX-License-Identifier: Apache-2.0
// The key file. Lines are added to it and never changed, through a descriptor from before this
// process became a user without rights: a rotation that is cut off leaves every older key there.
#include "secrets_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/crypt.h>
#include <pinfold/io.h>
#include <pinfold/log.h>
#include <pinfold/own.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (64 * 1024)

// Its directory, unless that is there.
static void make_directory(const char *path)
{
    own_free char *dir = xstrdup(path);
    char *slash = strrchr(dir, '/');
    if (slash && slash != dir) {
        *slash = '\0';
        (void)mkdir(dir, 0755); // opening the file tells what is wrong
    }
}

static int open_file(const char *path, struct err *e)
{
    struct stat st;
    make_directory(path);
    own_fd int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fstat(fd, &st))
        return err_sys(e, "SecretKeyFile=%.100s", path);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 077)
        return err_set(e, ERR_DENIED,
                       "SecretKeyFile=%.100s is not a file of root's own that nobody else can read",
                       path);
    return fd_steal(&fd);
}

static int read_file(int fd, struct secret_keys *ret, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_sys(e, "read the key file");
    if (st.st_size > FILE_MAX)
        return err_set(e, ERR_LIMIT, "the key file is larger than %d bytes", FILE_MAX);
    size_t n = (size_t)st.st_size;
    own_free char *text = xcalloc(1, n + 1);
    ssize_t got = pread(fd, text, n, 0);
    int bad =
        got < 0 ? err_sys(e, "read the key file") : secret_keys_parse(text, (size_t)got, ret, e);
    crypt_wipe(text, n);
    return bad;
}

static int add_key(struct egress *eg, struct err *e)
{
    char line[SECRET_KEY_LINE];
    struct stat st;
    char last = '\n';
    if (secret_keys_add(&eg->keys, line, e))
        return -1;
    // A line that a crash has cut off is in the way of another.
    if (fstat(eg->key_fd, &st) || (st.st_size && pread(eg->key_fd, &last, 1, st.st_size - 1) != 1))
        last = '\0';
    size_t n = strlen(line);
    bool bad = last != '\n' || write(eg->key_fd, line, n) != (ssize_t)n || fsync(eg->key_fd);
    if (bad) {
        crypt_wipe(eg->keys.secret[--eg->keys.n], SEAL_KEY);
        if (last != '\n')
            err_set(e, ERR_CONFLICT, "the key file's last line was cut off: remove it");
        else
            err_sys(e, "write the key file");
    }
    crypt_wipe(line, sizeof(line));
    return bad ? -1 : 0;
}

void keys_open(struct egress *eg)
{
    struct err e = {0};
    eg->key_fd = open_file(eg->conf.secret_key_file, &e);
    if (eg->key_fd < 0 || read_file(eg->key_fd, &eg->keys, &e) ||
        (!eg->keys.n && add_key(eg, &e))) {
        (void)snprintf(eg->keys_why, sizeof(eg->keys_why), "%s", e.text);
        log_error("secrets cannot be used: %s", e.text);
        fd_close(&eg->key_fd);
    }
}

void keys_close(struct egress *eg)
{
    secret_keys_wipe(&eg->keys);
    fd_close(&eg->key_fd);
}

void keys_tell(struct egress *eg)
{
    struct msg_egress_keys m = {0};
    char names[SECRET_KEYS_MAX * SECRET_KEY_NAME + 1] = "", hex[SEAL_TEXT], name[SECRET_KEY_NAME];
    struct err e;
    size_t n = 0;
    for (unsigned i = 0; i < eg->keys.n; i++) {
        secret_key_public(&eg->keys, i, hex);
        (void)secret_key_name(hex, name);
        n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s", i ? " " : "", name);
        memcpy(m.current, hex, sizeof(m.current)); // the newest is the last
    }
    (void)snprintf(m.why, sizeof(m.why), "%s", eg->keys_why);
    m.key_names = (struct wire_bytes){names, n};
    if (wire_send(START_PEER, MSG_EGRESS_KEYS, 0, &m, NULL, 0, &e))
        log_error("keys: %s", e.text);
}

void keys_rotate(struct egress *eg)
{
    struct err e = {0};
    if (eg->key_fd < 0)
        (void)err_set(&e, ERR_CONFLICT, "%s", eg->keys_why);
    else
        (void)add_key(eg, &e);
    if (e.code != ERR_NONE)
        log_error("rotation: %s", e.text);
    else
        log_info("another key for secrets, of %u", eg->keys.n);
    char before[sizeof(eg->keys_why)];
    memcpy(before, eg->keys_why, sizeof(before));
    if (e.code != ERR_NONE)
        (void)snprintf(eg->keys_why, sizeof(eg->keys_why), "%.190s", e.text);
    keys_tell(eg);
    memcpy(eg->keys_why, before, sizeof(before));
}

void keys_reseal(struct egress *eg, const struct wire_msg *m)
{
    const struct msg_egress_secret *q = &m->body.egress.secret;
    struct msg_egress_secret a = {.version = q->version};
    struct secret_record r;
    struct err e = {0};
    char hex[SEAL_TEXT];
    own_buf struct buf text, sealed;
    buf_init(&text, SECRET_SEALED_MAX);
    buf_init(&sealed, SECRET_SEALED_MAX);
    memcpy(a.id, q->id, sizeof(a.id));
    if (!secret_open(&eg->keys, q->sealed.p, q->sealed.len, &text, &r, &e)) {
        secret_key_public(&eg->keys, eg->keys.n - 1, hex);
        (void)secret_seal(&r, hex, &sealed, &e);
    }
    crypt_wipe(text.data, text.len);
    a.code = e.code;
    a.sealed = (struct wire_bytes){sealed.data, e.code ? 0 : sealed.len};
    if (wire_send(START_PEER, MSG_EGRESS_RESEALED, m->id, &a, NULL, 0, &e))
        log_error("reseal: %s", e.text); // the next KEYS has it asked for again
}
