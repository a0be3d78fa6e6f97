#include "cli/verb.h"

#include "cli/verbs/decide.h"
#include "cli/verbs/index_import.h"

namespace pairloom::cli {
namespace {

constexpr bool kNoIndex = false;

constexpr Example kMain[] = {
    {"pairloom scan ~/Pictures", "index a directory and list its near-duplicates"},
    {"pairloom dups --preset same -o jsonl", "the groups again, nearer ones only, for a program"},
    {"pairloom match holiday.jpg", "where else is this picture?"},
};
constexpr Example kScan[] = {
    {"pairloom scan ~/Pictures", "index, then list the groups"},
    {"pairloom scan --preset same -o fdupes ~/Pictures > groups.txt",
     "re-encoded and resized copies, as fdupes writes them"},
    {"pairloom scan -x --exclude '*/.thumbnails' --exclude '*.gif' /srv/photos",
     "stay on one file system, leave things out"},
    {"pairloom scan --fail-if-found -q ~/Incoming || mail -s duplicates me",
     "for cron: exit 10 when there are duplicates"},
};
constexpr Example kIndexAdd[] = {
    {"pairloom index add ~/Pictures /mnt/nas/photos", "new and changed images only; the rest is not opened"},
    {"find . -newer stamp -print0 | pairloom index add -0 --files-from -", "exactly these files"},
    {"pairloom index add --features pdq,dhash ~/Pictures", "with a second code for every image"},
};
constexpr Example kIndexUpdate[] = {
    {"pairloom index update", "look again at every directory ever added"},
    {"pairloom index update --retry-failed", "and at the files that failed before"},
};
constexpr Example kIndexRebuild[] = {
    {"pairloom index rebuild", "make the index anew from every directory ever added; the old one is kept beside it"},
};
constexpr Example kIndexPair[] = {
    {"pairloom index pair --preset related", "farther pairs too: dups --preset related need not look for them then"},
    {"pairloom index pair --algorithm dhash --distance 4", "also of a 64-bit code, of which none are kept by default"},
    {"pairloom index pair --algorithm dhash --default", "no longer"},
};
constexpr Example kIndexPrune[] = {
    {"pairloom index prune -n", "what would be forgotten?"},
    {"pairloom index prune", "forget files that are gone; no picture is touched"},
};
constexpr Example kIndexVerify[] = {{"pairloom index verify", "exit 0: sound; 4: damaged, with the damage listed"}};
constexpr Example kIndexInfo[] = {
    {"pairloom index info", "what is in the index"},
    {"pairloom index info -o jsonl | jq .files", "one number of it"},
};
constexpr Example kIndexExport[] = {
    {"pairloom index export -o csv > images.csv", "a row for every image, for a data frame"},
    {"pairloom index export --codes | jq -r .codes.pdq", "the PDQ codes as hexadecimal text"},
};
constexpr Example kIndexImport[] = {
    {"pairloom --index copy.db index import codes.jsonl", "what index export --codes wrote, without opening an image"},
    {"pairloom index import arrays", "what index export -o npy --to arrays has written"},
};
constexpr Example kIndexFailures[] = {
    {"pairloom index failures", "which files could not be used, and why"},
    {"pairloom index failures -o null | xargs -0 ls -l", "the same, for another program"},
};
constexpr Example kIndexRetry[] = {
    {"pairloom index retry", "look again at all files that could not be used"},
    {"pairloom index retry ~/Pictures/broken.tif --task-deadline 300", "at one, with more patience"},
};
constexpr Example kDups[] = {
    {"pairloom dups", "all groups of the index, most reclaimable bytes first"},
    {"pairloom dups ~/Incoming --limit 20", "groups with a file below that directory"},
    {"pairloom dups --preset same -o fdupes | less", "re-encoded and resized copies only"},
    {"pairloom dups -o jsonl | jq -r 'select(.type==\"group\").members[]|select(.keep|not).path.text'",
     "all but the suggested file of each group"},
    {"pairloom dups --new-only --reference ~/Originals", "what came last, and is also among the originals"},
    {"pairloom dups --low-information", "flat and black images, which are never grouped"},
};
constexpr Example kDecide[] = {
    {"pairloom decide not-dup a.jpg b.jpg", "alike, but no duplicates: never shown as such again"},
    {"pairloom decide keep g-5f3ad1c0b2a49786", "all of a group stays; shown again when something new is in it"},
    {"pairloom decide --list -o jsonl > decisions.jsonl", "what was decided, for git or another index (--from)"},
    {"pairloom decide --reset a.jpg", "take back what was decided about it"},
};
constexpr Example kMatch[] = {
    {"pairloom match holiday.jpg", "images like this one, nearest first; exit 1 if there is none"},
    {"pairloom match -k 10 holiday.jpg", "the ten nearest, however far"},
    {"pairloom match --invariant flip,rot90 scan.jpg", "also mirrored and rotated copies"},
    {"find . -name '*.jpg' | pairloom match --files-from - -o csv", "many at once"},
    {"pairloom match --exclude-self -o null IMG_1.jpg | xargs -0 ls -l", "the others, for another program"},
    {"pairloom match --method sift --geometry door.jpg ~/Pictures", "where is this thing, also turned, cropped, in part?"},
};
constexpr Example kCmp[] = {
    {"pairloom cmp a.jpg b.png && echo same picture", "exit 0: near-duplicates, 1: not, 3: unreadable"},
    {"pairloom cmp --distance 10 a.jpg b.png", "with a limit of one's own"},
};
constexpr Example kTransform[] = {
    {"pairloom transform world.png side.png --map transverse-mercator", "a Mercator map with the poles at 90 E and W"},
    {"pairloom transform scan.png upright.png --map rotate --angle 1.5 --expand --fill white", "nothing is cut off"},
    {"pairloom transform big.png small.png --map resize --size 25%", "a quarter as wide and high"},
    {"pairloom transform in.png out.png --map remap --map-x x.npy --map-y y.npy",
     "positions computed elsewhere, as for cv::remap"},
};
constexpr Example kLocate[] = {
    {"pairloom locate --diameter 13 --invert frames/ > particles.csv", "dark spots, as trackpy.locate finds them"},
    {"pairloom locate --diameter 9 --minmass 200 -o jsonl frame_*.tif | jq '.particles|length'", "how many in each"},
};
constexpr Example kExtract[] = {
    {"pairloom extract --features color,lbp ~/Pictures > features.csv", "a row of numbers for every image"},
    {"pairloom extract --features sift:n=200,pdq ~/Pictures -o npy --to arrays", "NumPy arrays"},
    {"pairloom extract --features lbp --store", "of all images of the index, into the index"},
    {"pairloom extract --plugin ./mine.so --features my-feature ~/Pictures -o jsonl", "with an extractor of one's own"},
};
constexpr Example kBench[] = {
    {"pairloom bench --svg curves.svg", "what two, three .. workers gain on this machine"},
    {"pairloom bench --job locate --sizes 512,1024,2048 --stages", "another job, and where its time goes"},
    {"pairloom bench ~/Pictures -o csv > bench.csv", "with pictures of one's own, for a spreadsheet"},
};
constexpr Example kStatus[] = {
    {"pairloom status", "what the daemon is at, live; without one the last runs, and what is left to do"},
    {"pairloom status -o jsonl", "the same for a program"},
};
constexpr Example kWatchAdd[] = {
    {"pairloom watch add ~/Pictures", "keep the index fresh below that directory, from now on"},
    {"pairloom watch add --exclude '*/.thumbnails' --poll-interval 600 /mnt/nas/photos", "walked every ten minutes"},
};
constexpr Example kWatchRm[] = {{"pairloom watch rm ~/Pictures", "leave it alone; what is indexed stays"}};
constexpr Example kWatchLs[] = {
    {"pairloom watch ls", "what is watched, how, and how fresh it is"},
    {"pairloom watch ls -o jsonl | jq -r 'select(.state==\"offline\").path.text'", "roots that are not there now"},
};
constexpr Example kPause[] = {{"pairloom pause", "the workers rest; changes are remembered"}};
constexpr Example kResume[] = {{"pairloom resume", "go on"}};
constexpr Example kReload[] = {{"pairloom reload", "after the configuration was edited; says what is wrong with it"}};
constexpr Example kRescan[] = {
    {"pairloom rescan", "walk all watched directories again"},
    {"pairloom rescan /mnt/nas/photos", "this one only"},
};
constexpr Example kDoctor[] = {{"pairloom doctor", "what this machine has, what is missing, and how to mend it"}};

constexpr std::string_view kFind = "Find", kMaintain = "Maintain the index", kLook = "Look into things",
                           kWork = "Work on pictures", kService = "Talk to the daemon";
constexpr Verb kVerbs[] = {
    {"scan", "index directories, then list their groups of near-duplicates", kFind, kScan, declare_scan},
    {"dups", "list groups of near-duplicates from the index", kFind, kDups, declare_dups},
    {"decide", "say what is no duplicate, or stays; it is remembered", kFind, kDecide, declare_decide},
    {"match", "find images like a given one", kFind, kMatch, declare_match},
    {"cmp", "say whether two files show the same picture", kFind, kCmp, declare_cmp, kNoIndex},
    {"extract", "compute colours, textures, keypoints, hashes of images", kFind, kExtract,
     declare_extract},
    {"index add", "add directories or files to the index", kMaintain, kIndexAdd, declare_index_add},
    {"index update", "look again at everything that was added", kMaintain, kIndexUpdate, declare_index_update},
    {"index pair", "say how far apart stored pairs may be, and find them", kMaintain, kIndexPair, declare_index_pair},
    {"index rebuild", "set the index aside and make it anew", kMaintain, kIndexRebuild, declare_index_rebuild},
    {"index prune", "forget files that are gone", kMaintain, kIndexPrune, declare_index_prune},
    {"index verify", "check the index from end to end", kMaintain, kIndexVerify, declare_index_verify},
    {"index info", "say what the index holds", kMaintain, kIndexInfo, declare_index_info},
    {"index export", "write a row for every image", kMaintain, kIndexExport, declare_index_export},
    {"index import", "take over rows that index export wrote", kMaintain, kIndexImport, declare_index_import},
    {"index failures", "list the files that could not be used", kMaintain, kIndexFailures, declare_index_failures},
    {"index retry", "look again at the files that could not be used", kMaintain, kIndexRetry, declare_index_retry},
    {"transform", "compute a picture from another, in bands on all cores", kWork, kTransform,
     declare_transform, kNoIndex},
    {"locate", "find the particles in each frame of a video", kWork, kLocate, declare_locate},
    {"watch add", "have the daemon watch a directory", kService, kWatchAdd, declare_watch_add, kNoIndex},
    {"watch rm", "have the daemon watch a directory no longer", kService, kWatchRm, declare_watch_rm, kNoIndex},
    {"watch ls", "list what the daemon watches", kService, kWatchLs, declare_watch_ls, kNoIndex},
    {"pause", "have the daemon do nothing for a while", kService, kPause, declare_pause, kNoIndex},
    {"resume", "have the daemon go on", kService, kResume, declare_resume, kNoIndex},
    {"reload", "have the daemon read its configuration again", kService, kReload, declare_reload, kNoIndex},
    {"rescan", "have the daemon walk its directories again", kService, kRescan, declare_rescan, kNoIndex},
    {"status", "say what the daemon is at, or what the last runs did", kLook, kStatus, declare_status},
    {"bench", "measure the jobs on this machine, alone and in parallel", kLook, kBench, declare_bench, kNoIndex},
    {"doctor", "check this machine and this installation", kLook, kDoctor, declare_doctor},
};

}  // namespace

std::span<const Verb> verbs() {
  return kVerbs;
}
std::span<const Example> main_examples() {
  return kMain;
}

}  // namespace pairloom::cli
