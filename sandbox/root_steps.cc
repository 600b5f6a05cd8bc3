#include "sandbox/root_steps.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>

namespace passnet::sandbox {
namespace {

namespace fs = std::filesystem;

// man 2 mount_setattr; <linux/mount.h> cannot be included next to <sys/mount.h>.
constexpr uint64_t kAttrReadOnly = 1, kAttrNoSuid = 2, kAttrNoDev = 4, kAttrNoExec = 8;
constexpr uint64_t kReadOnlyBind = kAttrReadOnly | kAttrNoSuid | kAttrNoDev;
constexpr int kMaxLinks = 40;  // as the kernel's path walk (path_resolution(7))
const std::string kTmp = "/tmp";
const std::string kWorkbench = "/dev/shm";

// A path's own symbolic links and the place that it finally names.
struct ResolvedPath {
  std::vector<std::pair<std::string, std::string>> links;  // where, its text
  std::string real;
  bool exists = false;
};

Result<ResolvedPath> Resolve(const std::string& path) {
  if (path.empty() || path[0] != '/' || path.find('\0') != std::string::npos) {
    return InvalidArgument("sandbox root: \"" + path + "\" is not an absolute path");
  }
  ResolvedPath result;
  std::error_code error;
  std::vector<std::string> rest;  // components still to walk, last first
  const auto push = [&rest](const fs::path& more) {
    std::vector<std::string> parts;
    for (const fs::path& part : more) {
      if (!part.empty() && part != "/" && part != ".") parts.push_back(part);
    }
    rest.insert(rest.end(), parts.rbegin(), parts.rend());
  };
  push(path);
  fs::path here = "/";
  while (!rest.empty()) {
    const std::string name = rest.back();
    rest.pop_back();
    if (name == "..") {
      here = here.parent_path();
      continue;
    }
    const fs::path next = here / name;
    const fs::file_status status = fs::symlink_status(next, error);
    if (status.type() == fs::file_type::not_found || status.type() == fs::file_type::none) return result;
    if (status.type() != fs::file_type::symlink) {
      here = next;
      continue;
    }
    const fs::path target = fs::read_symlink(next, error);
    if (error || result.links.size() >= kMaxLinks) return result;
    result.links.emplace_back(next, target);
    if (target.is_absolute()) here = "/";
    push(target);
  }
  result.real = here;
  result.exists = true;
  return result;
}

Error Missing(const std::string& path) {
  return InvalidArgument("sandbox root: " + path + " does not exist on this host; name another path or leave it out");
}

bool IsBelow(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.compare(0, folder.size(), folder) == 0 && path[folder.size()] == '/';
}

struct BoundPath {
  std::string real;  // outside and inside alike
  uint64_t attributes = 0;
  bool optional = false;
};

// What a jail sees of its parent's files: links by their text, the rest by binds.
struct View {
  std::vector<std::pair<std::string, std::string>> links;  // where, its text
  std::vector<BoundPath> binds;                            // recursive, so that none lies below an earlier one

  Status Add(const std::string& path, bool optional, uint64_t attributes) {
    ASSIGN_OR_RETURN(ResolvedPath resolved, Resolve(path));
    if (!resolved.exists) return optional ? OkStatus() : Status(Missing(path));
    if (resolved.real == kTmp) return InvalidArgument("sandbox root: /tmp cannot be shown, every jail has one of its own");
    for (const auto& link : resolved.links) {
      if (std::find(links.begin(), links.end(), link) == links.end()) links.push_back(link);
    }
    const auto shows_it = [&](const BoundPath& bound) {
      return bound.real == resolved.real || IsBelow(resolved.real, bound.real);
    };
    if (std::none_of(binds.begin(), binds.end(), shows_it)) binds.push_back({resolved.real, attributes, optional});
    return OkStatus();
  }

  // The part that a new /tmp would hide.
  View BelowTmp() const {
    View part;
    std::copy_if(links.begin(), links.end(), std::back_inserter(part.links),
                 [](const auto& link) { return IsBelow(link.first, kTmp); });
    std::copy_if(binds.begin(), binds.end(), std::back_inserter(part.binds),
                 [](const BoundPath& bound) { return IsBelow(bound.real, kTmp); });
    return part;
  }
};

// The folders directly below /tmp that lead to bound paths or links, and are no bound paths themselves.
std::set<std::string> TmpParents(const View& view) {
  std::set<std::string> parents;
  const View below = view.BelowTmp();
  const auto add_parent_of = [&parents](const std::string& path) {
    const size_t end = path.find('/', kTmp.size() + 1);
    if (end != std::string::npos) parents.insert(path.substr(0, end));
  };
  for (const BoundPath& bound : below.binds) add_parent_of(bound.real);
  for (const auto& [where, text] : below.links) add_parent_of(where);
  for (const BoundPath& bound : below.binds) parents.erase(bound.real);
  return parents;
}

// Makes `view` visible below `at`; the paths that it names lie below `source` until now.
void AppendView(PlanWriter& plan, const View& view, const std::string& source, const std::string& at) {
  const std::set<std::string> parents = TmpParents(view);
  // A private /tmp belongs to its jail, which could rename a plain folder and put files of its own under the bound
  // path. A mount point cannot be renamed, and inside a read-only mount nothing can.
  for (const std::string& parent : parents) {
    plan.MakeFolder(0755, at + parent);
    plan.Mount(MS_NOSUID | MS_NODEV | MS_NOEXEC, "tmpfs", at + parent, "tmpfs", "mode=0755,size=256k");
  }
  for (const auto& [where, text] : view.links) plan.Symlink(text, at + where);
  for (const BoundPath& bound : view.binds) {
    plan.Bind(bound.attributes, source + bound.real, at + bound.real, bound.optional);
  }
  for (const std::string& parent : parents) plan.MountAttributes(kAttrReadOnly, at + parent);
}

}  // namespace

RootSpec SystemRoot() {
  RootSpec root;
  root.read_only = {"/usr"};
  root.read_only_if_present = {"/bin",   "/lib",    "/lib32", "/lib64", "/libx32", "/etc/ld.so.cache", "/etc/alternatives",
                               "/etc/ld.so.conf", "/etc/ld.so.conf.d"};
  return root;
}

void AppendTmpfs(PlanWriter& plan, const PrivateFolder& folder, const std::string& at) {
  // Inodes as bytes: a million empty files must not cost more than the folder may hold.
  const std::string data = "mode=1777,size=" + std::to_string(folder.bytes) +
                           ",nr_inodes=" + std::to_string(folder.bytes / 4096 + 64);
  plan.Mount(MS_NOSUID | MS_NODEV | (folder.executable ? 0 : MS_NOEXEC), "tmpfs", at, "tmpfs", data);
}

static void AppendPrivateFolder(PlanWriter& plan, const PrivateFolder& folder) {
  const std::string at = kStageNew + folder.path;
  plan.MakeFolder(0755, at);
  AppendTmpfs(plan, folder, at);
}

Status AppendStage(PlanWriter& plan, const RootSpec& root, const std::vector<PrivateFolder>& folders) {
  plan.Unshare(CLONE_NEWNS);
  plan.Mount(MS_REC | MS_PRIVATE, "none", "/", "", "");
  // The stage lies over the host's /tmp only until the pivot; then all of the host, its /tmp too, is below /old.
  plan.Mount(MS_NOSUID | MS_NODEV, "tmpfs", "/tmp", "tmpfs", "mode=0755,size=1m");
  plan.MakeFolder(0755, "/tmp/old").MakeFolder(0755, "/tmp/new");
  plan.PivotKeepingOld("/tmp", "/tmp/old");
  plan.Mount(MS_NOSUID | MS_NODEV, "tmpfs", kStageNew, "tmpfs", "mode=0755,size=4m");
  // Before the binds, since a bound path may lie below /tmp.
  for (const char* point : {"/proc", "/dev/shm"}) plan.MakeFolder(0755, std::string(kStageNew) + point);
  AppendPrivateFolder(plan, {"/tmp", root.tmp_bytes, root.executable_tmp});
  if (root.shm_bytes != 0) AppendPrivateFolder(plan, {"/dev/shm", root.shm_bytes, false});
  for (const PrivateFolder& folder : folders) AppendPrivateFolder(plan, folder);
  View view;
  for (const std::string& path : root.read_only) RETURN_IF_ERROR(view.Add(path, false, kReadOnlyBind));
  for (const std::string& path : root.read_only_if_present) RETURN_IF_ERROR(view.Add(path, true, kReadOnlyBind));
  for (const std::string& path : root.devices) {
    RETURN_IF_ERROR(view.Add(path, false, kAttrReadOnly | kAttrNoSuid | kAttrNoExec));
  }
  AppendView(plan, view, kStageOld, kStageNew);
  plan.Symlink("/proc/self/fd", std::string(kStageNew) + "/dev/fd");
  plan.MountAttributes(kAttrReadOnly | kAttrNoSuid | kAttrNoDev, kStageNew);
  return OkStatus();
}

Status AppendPrivateTmp(PlanWriter& plan, const PrivateFolder& tmp, const std::vector<std::string>& bound) {
  View all;
  for (const std::string& path : bound) RETURN_IF_ERROR(all.Add(path, /*optional=*/true, kReadOnlyBind));
  const View view = all.BelowTmp();
  if (view.links.empty() && view.binds.empty()) {
    AppendTmpfs(plan, tmp, kTmp);
    return OkStatus();
  }
  // Mounted on /tmp at once, it would hide what is to be bound in it: made ready on /dev/shm, which the caller covers.
  plan.Mount(MS_NOSUID | MS_NODEV | MS_NOEXEC, "tmpfs", kWorkbench, "tmpfs", "mode=0755,size=4k");
  plan.MakeFolder(0755, kWorkbench + kTmp);
  AppendTmpfs(plan, tmp, kWorkbench + kTmp);
  AppendView(plan, view, "", kWorkbench);
  plan.Mount(MS_MOVE, kWorkbench + kTmp, kTmp, "", "");
  return OkStatus();
}

void AppendEnter(PlanWriter& plan) {
  const std::string at = kStageNew;
  // Only the owner of the new pid namespace may mount its /proc, and only while a whole /proc is visible: the host's,
  // at /old (mount_namespaces(7)).
  plan.Mount(MS_NOSUID | MS_NODEV | MS_NOEXEC, "proc", at + "/proc", "proc", "");
  // A locked mount cannot become the root (pivot_root(2)); a bind of it over itself is a mount of our own.
  plan.Bind(0, at, at, false);
  plan.Pivot(at);
}

Result<std::vector<std::string>> VisiblePaths(const RootSpec& root) {
  std::vector<std::string> visible;
  for (const auto* list : {&root.read_only, &root.read_only_if_present}) {
    for (const std::string& path : *list) {
      ASSIGN_OR_RETURN(ResolvedPath resolved, Resolve(path));
      if (resolved.exists) visible.push_back(resolved.real);
    }
  }
  return visible;
}

}  // namespace passnet::sandbox
