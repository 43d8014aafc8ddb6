// SPDX-License-Identifier: Apache-2.0
// What settings name on this machine: the file they stand in, directories of data, the user.
#include "conf_int.h"

#include <errno.h>
#include <fcntl.h>
#include <pinfold/io.h>
#include <pinfold/num.h>
#include <pinfold/own.h>
#include <pwd.h>

#define CONFIG_MAX (256u << 10)

int conf_read(struct conf *c, const char *path, struct err *e)
{
    own_buf struct buf text;
    buf_init(&text, CONFIG_MAX);
    conf_init(c);
    return io_read_file(AT_FDCWD, path, &text, e) || conf_parse(c, path, text.data, text.len, e)
               ? -1
               : 0;
}

int conf_open_data(const char *setting, const char *name, struct err *e)
{
    if (!*setting)
        return conf_data_dir(name, e);
    int fd = open(setting, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_sys(e, "open the directory of %s, %.120s", name, setting) : fd;
}

int conf_find_user(struct conf *c, struct err *e)
{
    uint64_t uid;
    if (!num_parse_u64(c->server_user, 1, INT32_MAX, &uid, NULL)) {
        c->server_uid = c->server_gid = uid;
        return 0;
    }
    errno = 0;
    const struct passwd *pw = getpwnam(c->server_user);
    if (pw && pw->pw_uid == 0)
        return err_set(e, ERR_DENIED, "user %s is root; the server must not be", c->server_user);
    if (pw) {
        c->server_uid = pw->pw_uid;
        c->server_gid = pw->pw_gid;
        return 0;
    }
    if (getpwuid(CONF_FALLBACK_UID))
        return err_set(
            e, ERR_NOT_FOUND,
            "there is no user %s, and user id %d is taken; make one with useradd --system",
            c->server_user, CONF_FALLBACK_UID);
    c->server_uid = c->server_gid = CONF_FALLBACK_UID;
    return 1;
}
