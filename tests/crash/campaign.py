# SPDX-License-Identifier: Apache-2.0
# The load, the kills and the audit of campaign.t: campaign.py PINFOLD WORK STATE KILLS SEED.
# Writes WORK/{missing,untrue,gaps,stuck}, a line for each finding, with .n: how many were looked at.
import glob, http.client, json, os, random, re, signal, socket, subprocess, sys, threading, time

PINFOLD, WORK, STATE, KILLS, SEED = sys.argv[1:4] + [int(sys.argv[4]), int(sys.argv[5])]
rand = random.Random(SEED)
done = threading.Event()
lock = threading.Lock()
execs, workspaces = {}, {}  # acknowledged: id -> what must hold
init_killed = {}            # sandbox -> times
server_killed = []          # times
GROUP = "pinfold.%x-%x"


def free_port():
    """Not one that the kernel gives to those who connect: it is free for moments when pinfoldd is killed."""
    low = int(open("/proc/sys/net/ipv4/ip_local_port_range").read().split()[0])
    while True:
        port = random.randrange(max(low - 10000, 1024), low)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


PORT = free_port()


class Daemon:
    def start(self):
        self.p = subprocess.Popen([PINFOLD, "serve", "--listen", "127.0.0.1:%d" % PORT, "--state", STATE, "--config",
                                   WORK + "/pinfold.conf"], stdout=subprocess.DEVNULL, stderr=open(WORK + "/server.log", "a"))
        with open(WORK + "/pid", "w") as f:
            f.write(str(self.p.pid))

    def child(self, role):
        found = re.findall(r": %s started pid=(\d+)" % role, open(WORK + "/server.log", errors="replace").read())
        return int(found[-1]) if found else 0


def ask(method, path, body=None, timeout=30):
    """Status and JSON; 0 when there was no whole answer: then nothing was acknowledged."""
    try:
        c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=timeout)
        token = open(STATE + "/admin.token").read().strip()
        c.request(method, path, None if body is None else json.dumps(body), {"Authorization": "Bearer " + token})
        r = c.getresponse()
        data = r.read()
        c.close()
        return r.status, json.loads(data) if data[:1] in (b"{", b"[") else data.decode(errors="replace")
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}


def healthy(within=60):
    end = time.monotonic() + within
    while time.monotonic() < end:
        if ask("GET", "/v1/health", timeout=5)[0] == 200:
            return True
        done.wait(0.05)
        time.sleep(0.02)
    return False


def note(ids, id, **what):
    with lock:
        ids[id] = dict(what, at=time.time())


# --- load ---------------------------------------------------------------------------------------

def foreground(ws):
    n = 0
    while not done.is_set():
        n += 1
        code, r = ask("POST", "/v1/workspaces/%s/exec" % ws, {"command": "echo %d; exit %d" % (n, n % 5)})
        if code == 200 and r["reason"] == "exited":
            note(execs, r["id"], ws=ws, lines=["%d" % n], exit=n % 5)
        elif code == 200 and r["reason"] not in ("lost", "start_failed"):
            note(execs, r["id"], ws=ws, lines=[], exit=-1)  # is told as untrue
        else:
            done.wait(0.05)


def background(ws, seed):
    r = random.Random(seed)
    while not done.is_set():
        n, code = r.choice([50, 500, 5000, 20000]), r.randrange(100)
        pause = r.choice([0.005, 0.02])
        command = "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; [ $((i%%%d)) = 0 ] && sleep %g; done; exit %d" % (n, max(n // 40, 1), pause, code)
        path = "/v1/workspaces/%s/exec" % ws if ws else "/v1/exec"
        status, x = ask("POST", path, {"command": command, "background": True})
        if status == 202:
            note(execs, x["id"], ws=ws or x["id"], n=n, exit=code)
            ask("GET", "/v1/execs/%s/wait?wait=3" % x["id"])
        else:
            done.wait(0.05)


def forks(ws):
    while not done.is_set():
        status, w = ask("POST", "/v1/workspaces/%s/fork" % ws, {})
        if status != 201:
            done.wait(0.1)
            continue
        note(workspaces, w["id"])
        status, x = ask("POST", "/v1/workspaces/%s/exec" % w["id"], {"command": "cat kept"})
        if status == 200 and x["reason"] == "exited":
            note(execs, x["id"], ws=w["id"], lines=["kept"], exit=0, of=w["id"])
        delete(w["id"])


def delete(id):
    """From the attempt on, it may be gone or not; after an answer it must be."""
    with lock:
        workspaces[id]["maybe"] = True
    if ask("DELETE", "/v1/workspaces/" + id)[0] == 204:
        with lock:
            workspaces[id]["gone"] = True


def clones():
    while not done.is_set():
        status, w = ask("POST", "/v1/workspaces?wait=20", {
            "repository": {"url": WORK + "/repo"}, "init_script": "seq 100; wc -l <numbers >counted"})
        if status not in (201, 202):
            done.wait(0.1)
            continue
        note(workspaces, w["id"])
        status, w = ask("GET", "/v1/workspaces/%s?wait=20" % w["id"])
        if status == 200 and w["status"] == "ready" and not w.get("busy"):
            status, x = ask("POST", "/v1/workspaces/%s/exec" % w["id"], {"command": "cat counted"})
            if status == 200 and x["reason"] == "exited":
                note(execs, x["id"], ws=w["id"], lines=["200"], exit=0, of=w["id"])
        if status:
            delete(w["id"])


# --- kills --------------------------------------------------------------------------------------

def inits():
    st = os.stat(STATE)
    group = "/" + GROUP % (st.st_dev, st.st_ino) + "/"
    for path in glob.glob("/proc/[0-9]*/cgroup"):
        try:
            text = open(path).read()
            # A command has init's name too until it has executed.
            is_init = re.search(r"^NSpid:.*\t1$", open(path[:-6] + "status").read(), re.M)
            if group in text and is_init and open(path[:-6] + "comm").read().strip() == "pinfold-init":
                yield int(path.split("/")[2]), text.split(group)[1].split("/")[0].split("\n")[0]
        except OSError:
            pass


def kill(pid):
    try:
        if pid:
            os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def kill_init():
    all_inits = sorted(inits())
    if all_inits:
        pid, box = rand.choice(all_inits)
        with lock:
            init_killed.setdefault(box, []).append(time.time())
        kill(pid)


def kill_one(d):
    what = rand.choices(["server", "launcher", "both", "init", "pinfoldd"], [45, 20, 10, 15, 10])[0]
    if what != "init" and what != "launcher":
        server_killed.append(time.time())
    if what == "init":
        kill_init()
    elif what == "pinfoldd":
        kill(d.p.pid)
        d.p.wait()
        d.start()
        healthy()
    elif what == "both":
        kill(d.child("server")), kill(d.child("launcher"))
    else:
        kill(d.child(what))
    return what


# --- audit --------------------------------------------------------------------------------------

def not_begun(want, x, lines):
    """Accepted, and killed before there was a sandbox for it; a start is asked for twice, then it has failed."""
    if x["reason"] == "start_failed" and not lines and "the launcher restarted" in (x["detail"] or ""):
        return True
    return "before it began" in (x["detail"] or "") and not lines and any(t > want["at"] - 1 for t in server_killed)


def check(id, want, out):
    status, x = ask("GET", "/v1/execs/%s/wait?wait=60" % id)
    with lock:
        gone = want.get("of") and workspaces[want["of"]].get("maybe")
    if status != 200:
        if not gone:
            out["missing"].append("%s %s" % (id, status))
        return
    if x["status"] != "ended":
        out["stuck"].append("%s %s" % (id, x["status"]))
        return
    text = ask("GET", "/v1/execs/%s/stdout" % id)[1]
    lines = text.split("\n")[:-1] if isinstance(text, str) else []
    wanted = want.get("lines") or [str(i) for i in range(1, want.get("n", 0) + 1)]
    lost = x["reason"] == "lost" and any(t > want["at"] - 1 for t in init_killed.get(want["ws"], []))
    lost = lost or not_begun(want, x, lines)
    if lost and "n" in want:
        wanted = wanted[:len(lines)]  # what came before it was killed; its last line may be cut
        whole = lines == wanted and wanted[:1] != [] or not lines
    else:
        whole = lines == wanted
        if (x["reason"], x["exit_code"]) != ("exited", want["exit"]):
            out["untrue"].append("%s of %s at %.3f: %s %s (%s) with %d lines at %s, not %s; init killed: %s" % (
                id, want["ws"], want["at"], x["reason"], x["exit_code"], x["detail"], len(lines), x["ended_at"],
                want["exit"], init_killed.get(want["ws"])))
    if not whole:
        at = next((i for i, (a, b) in enumerate(zip(lines, wanted)) if a != b), min(len(lines), len(wanted)))
        out["gaps"].append("%s %s: %d lines of %d, differs at %d" % (id, x["reason"], len(lines), len(wanted), at))


def audit():
    out = {"missing": [], "untrue": [], "gaps": [], "stuck": []}
    for id, want in list(execs.items()):
        check(id, want, out)
    for id, w in workspaces.items():
        status = ask("GET", "/v1/workspaces/" + id)[0]
        if w.get("gone") and status == 200 or not w.get("maybe") and status != 200:
            out["missing"].append("%s %s %s" % (id, status, w))
    for name, found in out.items():
        with open("%s/%s" % (WORK, name), "w") as f:
            f.writelines(line + "\n" for line in found)
        with open("%s/%s.n" % (WORK, name), "w") as f:
            f.write("%d" % (len(execs) + (len(workspaces) if name == "missing" else 0)))


def main():
    d = Daemon()
    d.start()
    with open(WORK + "/url", "w") as f:
        f.write("http://127.0.0.1:%d" % PORT)
    if not healthy():
        return 1
    ws = []
    for i in range(3):
        id = ask("POST", "/v1/workspaces?wait=20", {"name": "steady%d" % i})[1]["id"]
        ask("POST", "/v1/workspaces/%s/exec" % id, {"command": "echo kept >kept"})
        note(workspaces, id)
        ws.append(id)
    work = [(foreground, ws[0]), (foreground, ws[1]), (background, ws[0], SEED), (background, ws[1], SEED + 1),
            (background, None, SEED + 2), (forks, ws[2]), (clones,)]
    threads = [threading.Thread(target=w[0], args=w[1:]) for w in work]
    for t in threads:
        t.start()
    counts, begin = {}, time.monotonic()
    for i in range(KILLS):
        done.wait(rand.choice([0.02, 0.1, 0.3, 0.8]))
        what = kill_one(d)
        counts[what] = counts.get(what, 0) + 1
        if i % 4 == 3 and not healthy():
            print("# not healthy after kill %d of %s" % (i, what), flush=True)
            subprocess.run("ps -eo pid,ppid,stat,wchan:20,args | grep [p]infold | sed 's/^/# /'", shell=True)
            done.set()
            return 1
    done.set()
    for t in threads:
        t.join()
    well = healthy()
    print("# %d kills in %d s: %s" % (KILLS, time.monotonic() - begin, counts), flush=True)
    print("# acknowledged: %d execs, %d workspaces" % (len(execs), len(workspaces)), flush=True)
    audit()
    return 0 if well else 1


sys.exit(main())
