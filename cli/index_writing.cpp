#include "cli/index_writing.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "index/index_reader.h"
#include "index/renewal.h"

namespace pairloom::cli {

namespace {

void tell_of_set_aside(Session& session, const std::string& name_now, const std::string& program) {
  session.messages.warning(
      fmt::format("the index '{}' is set aside as '{}', and a new one is made from the images; no image is touched",
                  escape_for_terminal(session.index), escape_for_terminal(name_now)));
  if (program != "pairloom index update")
    session.messages.hint("pairloom index update brings back what is not named now: every directory ever added");
}

}  // namespace

Result<ExitCode> write_index(Session& session, const std::string& program, bool repeatable, const IndexWork& work) {
  PAIRLOOM_ASSIGN(auto opened, index::open_or_renew(session.index, program));
  if (opened.set_aside) {
    session.messages.warning("the index is damaged");
    tell_of_set_aside(session, *opened.set_aside, program);
    return work(opened.index);
  }
  auto done = work(opened.index);
  if (done || done.error().code != Errc::kIndexCorrupt) return done;
  session.messages.warning(done.error().message);
  if (repeatable && index::reads_well(opened.index.path())) {
    done = work(opened.index);
    if (done || done.error().code != Errc::kIndexCorrupt) return done;
  }
  PAIRLOOM_ASSIGN(auto renewed, index::renew(std::move(opened.index), program));
  if (renewed.set_aside) tell_of_set_aside(session, *renewed.set_aside, program);
  if (repeatable) return work(renewed.index);
  return fail(Errc::kIndexCorrupt, "the index was damaged; run the same command again, it begins with a new one");
}

Result<> require_index(const std::string& path) {
  const auto reader = index::IndexReader::open(path);
  if (!reader && reader.error().code != Errc::kRefused) return tl::unexpected(reader.error());
  return {};
}

}  // namespace pairloom::cli
