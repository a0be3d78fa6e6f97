#include "cli/duplicate_group.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace pairloom::cli {
namespace {

uint64_t pixels(const GroupFile& f) {
  return uint64_t{f.image.width_px} * f.image.height_px;
}

// Why `best` is better than `other`: the first rule that tells them apart.
std::string_view reason(const GroupFile& best, const GroupFile& other) {
  if (pixels(best) != pixels(other)) return "most pixels";
  if (best.identity.size_bytes != other.identity.size_bytes) return "most bytes";
  if (best.identity.mtime_ns != other.identity.mtime_ns) return "oldest";
  return "first by path";
}

bool better(const GroupFile& a, const GroupFile& b) {
  const auto key = [](const GroupFile& f) {
    return std::make_tuple(f.image.damaged, ~pixels(f), ~f.identity.size_bytes, f.identity.mtime_ns,
                           std::string_view(f.path));
  };
  return key(a) < key(b);
}

// Two names of one file (hard links) have the same content, device and inode.
using Inode = std::tuple<index::ContentId, uint64_t, uint64_t>;
Inode inode_of(const GroupFile& f) {
  return {f.content, f.identity.device, f.identity.inode};
}

uint64_t reclaimable(const std::vector<GroupFile>& files) {
  if (files.empty() || !files.front().keep) return 0;
  std::set<Inode> seen;
  for (const auto& file : files)
    if (file.keep) seen.insert(inode_of(file));
  uint64_t bytes = 0;
  for (const auto& file : files)
    if (seen.insert(inode_of(file)).second) bytes += file.identity.size_bytes;
  return bytes;
}

}  // namespace

void arrange(DuplicateGroup& group) {
  auto& files = group.files;
  if (files.empty()) return;
  std::sort(files.begin(), files.end(), better);
  bool undamaged = false;  // among those that are kept for a reason of the user's
  for (auto& file : files) {
    file.keep = file.decided || file.reference;
    undamaged = undamaged || (file.keep && !file.image.damaged);
    if (!file.keep) continue;
    const bool original = group.keep_reason == "originals" || (group.keep_reason.empty() && file.reference);
    group.keep_reason = original ? "originals" : "decided";
  }
  if (!undamaged && !files[0].image.damaged) {
    files[0].keep = true;
    // Damaged files are no rivals; among equals the reason is what beats the second best.
    const bool rival = files.size() > 1 && !files[1].image.damaged;
    group.keep_reason = rival ? reason(files[0], files[1]) : "the only undamaged one";
  }
  const auto first_kept = std::find_if(files.begin(), files.end(), [](const auto& file) { return file.keep; });
  const index::ContentId kept = first_kept != files.end() ? first_kept->content : 0;
  std::sort(files.begin(), files.end(), [kept](const GroupFile& a, const GroupFile& b) {
    const auto key = [kept](const GroupFile& f) {
      return std::make_tuple(!f.keep, f.content != kept, f.distance, f.content, std::string_view(f.path));
    };
    return key(a) < key(b);
  });
  std::set<index::ContentId> listed;
  for (auto& file : files) file.exact = !listed.insert(file.content).second;
  group.reclaimable_bytes = reclaimable(files);
}

}  // namespace pairloom::cli
