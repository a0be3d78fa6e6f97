// What pairloomd reads that others wrote: its configuration, and what clients ask, as pairloom-control passes it on; and
// what clients read that a daemon of another version wrote.
#include <string>

#include "base/json_text.h"
#include "daemon/control_requests.h"
#include "daemon/run_json.h"
#include "service/config.h"
#include "tests/fuzz/fuzz_target.h"

namespace pairloom::test {
namespace {

void read_config(std::span<const std::byte> input) {
  const auto config = service::parse_config(text_of(input), "p.toml");
  if (!config) return must(config.error().message.starts_with("p.toml:"), "an error says where");
  must(config->index.starts_with('/'), "an index has an absolute path");
  must((config->pair & ~config->algorithms) == 0, "only codes that are made are paired");
  for (const service::RootConfig& root : config->roots) must(root.path.starts_with('/'), "a root has an absolute path");
  const auto plan = service::plan_memory(*config, 8);
  must(plan.jobs >= 1 && plan.jobs <= 1024, "there is a worker");
  must(config->memory_bytes == 0 || static_cast<uint64_t>(plan.jobs) * plan.worker_bytes <= config->memory_bytes,
       "workers share the memory");
}

std::vector<Bytes> configs() {
  return {bytes_of("index = '/i'\n[[root]]\npath = '/srv/photos/'\nexclude = ['*.tmp', \"a\\u00e9\"]\npoll = '5s'\n"),
          bytes_of("index = '/\xC3\xA9' # \xE2\x82\xAC\n\xEF\xBB\xB9 = 1\n"),
          bytes_of("index = \"/i\"\njobs = 3\nmemory = \"4G\"\nalgorithms = [\"pdq\", \"dhash\"]\npair = []\nsettle = 0.5\n"
                   "[pressure]\nmemory = 20\n[limits]\nscans = 5\npixels = '1M'\n[control]\nsocket = ''\n")};
}

void read_index_request(const Json& arguments) {
  const auto request = daemon::index_request_from_json(arguments);
  if (!request) return must(!request.error().message.empty(), "a refusal has a reason");
  const Json written = daemon::to_json(*request);
  const auto again = daemon::index_request_from_json(written);
  must(again.has_value(), again ? "" : "what was accepted is accepted again: " + again.error().message);
  must(daemon::to_json(*again) == written, "and is the same");
  for (const std::string& root : request->roots) must(root.starts_with('/'), "a root is absolute");
}

// An answer of the daemon: whatever it is, a record comes of it that can be written.
void read_answer(const Json& record) {
  static_cast<void>(daemon::to_json(daemon::progress_from_json(record)).dump());
  static_cast<void>(json_line(daemon::to_json(daemon::problem_from_json(record))));
  static_cast<void>(json_line(daemon::to_json(daemon::summary_from_json(record))));
  static_cast<void>(json_line(daemon::to_json(daemon::error_from_json(record))));
}

void read_control(std::span<const std::byte> input) {
  control::Message message;
  message.kind = control::MessageKind::kRequest;
  message.request = 7;
  message.payload = std::string(text_of(input));
  if (const auto record = parse_object(message.payload)) read_answer(*record);
  const auto request = daemon::parse_request(std::move(message));
  if (!request) return must(!request.error().message.empty(), "a refusal has a reason");
  must(request->arguments.is_object(), "arguments have names");
  read_index_request(request->arguments);
}

std::vector<Bytes> requests() {
  const std::string envelope = R"({"operation":"index","peer":{"uid":0,"gid":0,"pid":1,"groups":[4]},"arguments":)";
  return {bytes_of(envelope + R"({"roots":["/a",{"bytes":"L/8="}],"kind":"update","hidden":"true","max_depth":3,)"
                              R"("features":["pdq"],"accuracy":"fast","max_pixels":"5","task_deadline_s":1.5}})"),
          bytes_of(envelope + R"({}})"),
          bytes_of(envelope + R"({"kind":"pair","algorithm":"phash256","distance":40,"arguments":["x"]}})"),
          bytes_of(R"({"type":"summary","totals":{"seen":5,"indexed":2},"seconds":1.5,"problem":"x","path":"/a"})"),
          bytes_of(R"({"type":"progress","stage":"pairing","found":9,"done":3,"rate":1e300})")};
}

}  // namespace

void add_service_targets(std::vector<FuzzTarget>& targets) {
  targets.push_back({"config", read_config, configs});
  targets.push_back({"control", read_control, requests});
}

}  // namespace pairloom::test
