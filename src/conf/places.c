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

// ret: user and group.
static int find_user(const char *name, uid_t fallback, uint64_t ret[2], struct err *e)
{
    if (!num_parse_u64(name, 1, INT32_MAX, &ret[0], NULL)) {
        ret[1] = ret[0];
        return 0;
    }
    errno = 0;
    const struct passwd *pw = getpwnam(name);
    if (pw && pw->pw_uid == 0)
        return err_set(e, ERR_DENIED, "user %s is root; it must not be", name);
    if (pw) {
        ret[0] = pw->pw_uid;
        ret[1] = pw->pw_gid;
        return 0;
    }
    if (getpwuid(fallback))
        return err_set(
            e, ERR_NOT_FOUND,
            "there is no user %s, and user id %u is taken; make one with useradd --system", name,
            fallback);
    ret[0] = ret[1] = fallback;
    return 1;
}

int conf_find_users(struct conf *c, struct err *e)
{
    uint64_t server[2], egress[2];
    int a = find_user(c->server_user, CONF_FALLBACK_UID, server, e);
    int b = a < 0 ? -1 : find_user(c->egress_user, CONF_FALLBACK_UID + 1, egress, e);
    if (b < 0)
        return -1;
    if (server[0] == egress[0])
        return err_set(e, ERR_BAD_REQUEST, "ServerUser= and EgressUser= are one user");
    c->server_uid = server[0];
    c->server_gid = server[1];
    c->egress_uid = egress[0];
    c->egress_gid = egress[1];
    return a | b;
}
