#include "daemon/control_requests.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "daemon/control_arguments.h"
#include "daemon/run_json.h"

namespace pairloom::daemon {
namespace {

using control::Message;

constexpr off_t kMaxArgumentsBytes = 4 << 20;
constexpr size_t kMaxGroups = 256;
constexpr size_t kMaxStreams = 4;
constexpr const char* kLines = "application/x-ndjson";

int http_status(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return 400;
    case Errc::kRefused:
      return 403;
    case Errc::kIndexLocked:
      return 503;
    default:
      return 500;
  }
}

// A file that nobody can change any more. Its bytes, if it is to be arguments.
bool is_sealed(const Fd& fd) {
  constexpr int kWanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  return seals >= 0 && (seals & kWanted) == kWanted;
}

Result<std::string> arguments_in(const Fd& fd) {
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return fail(Errc::kProtocol, "arguments that cannot be read");
  if (about.st_size > kMaxArgumentsBytes)
    return fail(Errc::kInvalidArgument, fmt::format("the arguments are longer than {} bytes", kMaxArgumentsBytes));
  std::string text(static_cast<size_t>(about.st_size), '\0');
  PAIRLOOM_ASSIGN(const size_t got, read_up_to_at(fd.get(), text.data(), text.size(), 0, "arguments"));
  text.resize(got);
  return text;
}

Result<PeerIdentity> peer_from_json(const Json& envelope) {
  const auto malformed = fail(Errc::kProtocol, "a request that does not say whose it is");
  const auto peer = envelope.find("peer");
  if (peer == envelope.end() || !peer->is_object()) return malformed;
  PeerIdentity who;
  if (!take_field(*peer, "uid", who.peer.uid) || !take_field(*peer, "gid", who.peer.gid) || !take_field(*peer, "pid", who.peer.pid))
    return malformed;
  const auto groups = peer->find("groups");
  if (groups == peer->end() || !groups->is_array() || groups->size() > kMaxGroups) return malformed;
  for (const Json& group : *groups) {
    if (!group.is_number_unsigned() || !std::in_range<gid_t>(group.get<uint64_t>())) return malformed;
    who.groups.push_back(group.get<gid_t>());
  }
  return who;
}

}  // namespace

bool may_change(const PeerIdentity& who, uid_t daemon_uid, gid_t socket_group) {
  if (who.peer.uid == 0 || who.peer.uid == daemon_uid) return true;
  if (socket_group == static_cast<gid_t>(-1)) return false;
  return who.peer.gid == socket_group || std::find(who.groups.begin(), who.groups.end(), socket_group) != who.groups.end();
}

Result<ControlRequest> parse_request(Message message) {
  const auto parsed = parse_object(message.payload);
  if (!parsed) return fail(Errc::kProtocol, "a request: " + parsed.error().message);
  const Json& envelope = *parsed;
  ControlRequest request;
  request.id = message.request;
  if (!take_field(envelope, "operation", request.operation)) return fail(Errc::kProtocol, "a request without an operation");
  PAIRLOOM_ASSIGN(request.who, peer_from_json(envelope));
  if (message.descriptor && !is_sealed(message.descriptor))
    return fail(Errc::kProtocol, "a body that could still be changed");
  bool arguments_in_body = false;
  take_field(envelope, "arguments_in_body", arguments_in_body);
  if (arguments_in_body) {
    if (!message.descriptor) return fail(Errc::kProtocol, "a body that is not there");
    PAIRLOOM_ASSIGN(const std::string text, arguments_in(message.descriptor));
    PAIRLOOM_ASSIGN(request.arguments, parse_object(text));
    return request;
  }
  const auto arguments = envelope.find("arguments");
  if (arguments == envelope.end() || !arguments->is_object())
    return fail(Errc::kProtocol, "a request without arguments");
  request.arguments = *arguments;
  request.data = std::move(message.descriptor);
  return request;
}

// An index run's answer on its way to one client.
class ControlRequests::Stream final : public IndexReply::Sink {
 public:
  Stream(std::weak_ptr<ControlLink> link, uint64_t request) : link_(std::move(link)), request_(request) {}
  void line(const std::string& text, bool may_be_left_out) override {
    if (const auto link = link_.lock(); link && !gone_) link->part(request_, text, may_be_left_out);
  }
  void end() override {
    if (const auto link = link_.lock(); link && !gone_) link->end(request_);
    gone_ = true;
  }
  bool stop_requested() const override { return gone_ || stop_ || link_.expired(); }
  void client_gone() { gone_ = true; }
  void stop() { stop_ = true; }

 private:
  std::weak_ptr<ControlLink> link_;
  uint64_t request_;
  bool gone_ = false, stop_ = false;
};

struct ControlRequests::Call {
  std::shared_ptr<ControlLink> link;
  ControlRequest request;
  ControlArguments arguments;

  const ControlPeer& peer() const { return request.who.peer; }
  void refuse(const Error& error) const { link->document(request.id, http_status(error.code), to_json(error)); }
  void answer(const Result<>& done) const {
    if (!done) return refuse(done.error());
    link->document(request.id, 200, {{"type", "done"}});
  }
  // False, and answered, when the arguments are wrong.
  bool arguments_are_good() const {
    const auto good = arguments.finish();
    if (!good) refuse(good.error());
    return good.has_value();
  }
};

// What can be asked for. Each answers its call, now or later.
struct Operations {
  using Call = ControlRequests::Call;

  static void status(ControlRequests& all, Call& call) {
    if (call.arguments_are_good()) call.link->document(call.request.id, 200, to_json(all.handler_.status()));
  }
  static void pause(ControlRequests& all, Call& call) {
    if (call.arguments_are_good()) call.answer(all.handler_.pause(call.peer()));
  }
  static void resume(ControlRequests& all, Call& call) {
    if (call.arguments_are_good()) call.answer(all.handler_.resume(call.peer()));
  }
  static void reload(ControlRequests& all, Call& call) {
    if (call.arguments_are_good()) call.answer(all.handler_.reload(call.peer()));
  }
  static void rescan(ControlRequests& all, Call& call) {
    std::vector<std::string> paths;
    call.arguments.paths("paths", paths);
    if (call.arguments_are_good()) call.answer(all.handler_.rescan(call.peer(), paths));
  }

  static void watch_list(ControlRequests& all, Call& call) {
    if (!call.arguments_are_good()) return;
    const Json status = to_json(all.handler_.status());
    call.link->document(call.request.id, 200, {{"type", "roots"}, {"roots", status.at("roots")}});
  }
  static void watch_add(ControlRequests& all, Call& call) {
    WatchCommand command;
    uint64_t max_depth = kNoDepth;
    call.arguments.path("path", command.path);
    call.arguments.names("include", command.walk.include);
    call.arguments.names("exclude", command.walk.exclude);
    call.arguments.flag("hidden", command.walk.hidden);
    call.arguments.flag("follow", command.walk.follow_symlinks);
    call.arguments.flag("one_file_system", command.walk.one_file_system);
    call.arguments.whole("max_depth", max_depth, 0, kNoDepth);
    call.arguments.number("poll_interval_s", command.poll_interval_s, 1, 30 * 86400);
    if (max_depth != kNoDepth) command.walk.max_depth = static_cast<int>(max_depth);
    if (command.path.empty()) call.arguments.complain("'path' is missing");
    if (call.arguments_are_good()) call.answer(all.handler_.watch_add(call.peer(), std::move(command)));
  }
  static void watch_remove(ControlRequests& all, Call& call) {
    std::string path;
    call.arguments.path("path", path);
    if (path.empty()) call.arguments.complain("'path' is missing");
    if (call.arguments_are_good()) call.answer(all.handler_.watch_remove(call.peer(), path));
  }

  static void index(ControlRequests& all, Call& call) { all.index(call); }
  static void stop(ControlRequests& all, Call& call) {
    uint64_t request = 0;
    call.arguments.whole("request", request, 1, UINT64_MAX);
    if (!call.arguments_are_good()) return;
    const auto found = all.streams_.find(request);
    const auto stream = found == all.streams_.end() ? nullptr : found->second.lock();
    if (!stream) return call.refuse({Errc::kInvalidArgument, "there is no such request under way"});
    stream->stop();
    call.answer({});
  }

  // pairloom match and pairloom index failures, in a child.
  static void match(ControlRequests& all, Call& call) {
    std::string path, code, algorithm, preset;
    uint64_t distance = 0, nearest = 0;
    bool exclude_self = false;
    call.arguments.path("path", path);
    call.arguments.text("code", code);
    call.arguments.text("algorithm", algorithm);
    call.arguments.text("preset", preset);
    call.arguments.whole("distance", distance, 0, 256);
    call.arguments.whole("nearest", nearest, 1, 1'000'000);
    call.arguments.flag("exclude_self", exclude_self);
    const int queries = !path.empty() + !code.empty() + static_cast<bool>(call.request.data);
    if (queries != 1) call.arguments.complain("one query is wanted: 'path', 'code', or a picture's bytes as the body");
    if (!call.arguments_are_good()) return;
    std::vector<std::string> words = all.reader_words("match");
    if (!algorithm.empty()) words.push_back("--algorithm=" + algorithm);
    if (!preset.empty()) words.push_back("--preset=" + preset);
    if (call.arguments.has("distance")) words.push_back(fmt::format("--distance={}", distance));
    if (nearest > 0) words.push_back(fmt::format("--nearest={}", nearest));
    if (exclude_self) words.push_back("--exclude-self");
    if (!code.empty())
      words.push_back("--code=" + code);
    else
      words.insert(words.end(), {"--", path.empty() ? "-" : path});
    all.readers_.ask(call.link, call.request.id, std::move(words), std::move(call.request.data));
  }
  static void failures(ControlRequests& all, Call& call) {
    if (!call.arguments_are_good()) return;
    all.readers_.ask(call.link, call.request.id, all.reader_words("index failures"), Fd());
  }

  static constexpr uint64_t kNoDepth = 1'000'000;
};

namespace {

enum class Right { kLook, kChange };
struct Operation {
  std::string_view name;
  Right right;
  bool takes_data;
  void (*run)(ControlRequests&, ControlRequests::Call&);
};
constexpr std::array<Operation, 12> kOperations{{
    {"status", Right::kLook, false, Operations::status},
    {"failures", Right::kLook, false, Operations::failures},
    {"watch_list", Right::kLook, false, Operations::watch_list},
    {"pause", Right::kChange, false, Operations::pause},
    {"resume", Right::kChange, false, Operations::resume},
    {"reload", Right::kChange, false, Operations::reload},
    {"rescan", Right::kChange, false, Operations::rescan},
    {"watch_add", Right::kChange, false, Operations::watch_add},
    {"watch_remove", Right::kChange, false, Operations::watch_remove},
    {"index", Right::kChange, true, Operations::index},
    {"stop", Right::kChange, false, Operations::stop},
    {"match", Right::kChange, true, Operations::match},
}};

}  // namespace

ControlRequests::ControlRequests(ControlHandler& handler, IndexReaders& readers, std::string index_path,
                                 gid_t socket_group)
    : handler_(handler), readers_(readers), index_path_(std::move(index_path)), socket_group_(socket_group) {}

ControlRequests::~ControlRequests() {
  all_gone();
}

std::vector<std::string> ControlRequests::reader_words(std::string_view verb) const {
  std::vector<std::string> words;
  for (size_t at = 0; at < verb.size();) {
    const size_t end = std::min(verb.find(' ', at), verb.size());
    words.emplace_back(verb.substr(at, end - at));
    at = end + 1;
  }
  words.insert(words.end(), {"--index=" + index_path_, "--socket=none", "--output=jsonl", "--color=never"});
  return words;
}

Result<> ControlRequests::take(const std::shared_ptr<ControlLink>& link, Message message) {
  const uint64_t id = message.request;
  auto request = parse_request(std::move(message));
  if (!request && request.error().code == Errc::kProtocol) return tl::unexpected<Error>(request.error());
  if (!request) {
    link->document(id, http_status(request.error().code), to_json(request.error()));
    return {};
  }
  const auto operation = std::find_if(kOperations.begin(), kOperations.end(),
                                      [&](const Operation& known) { return known.name == request->operation; });
  if (operation == kOperations.end())
    return fail(Errc::kProtocol, "an unknown operation, '" + escape_for_terminal(request->operation.substr(0, 40)) + "'");

  Call call{link, std::move(*request), ControlArguments(call.request.arguments)};
  if (operation->right == Right::kChange && !may_change(call.request.who, ::geteuid(), socket_group_))
    call.refuse({Errc::kRefused, "not allowed: become a member of the socket's group, or root"});
  else if (call.request.data && !operation->takes_data)
    call.refuse({Errc::kInvalidArgument, "this request takes no body but a JSON object of its arguments"});
  else
    operation->run(*this, call);
  return {};
}

void ControlRequests::index(Call& call) {
  auto request = index_request_from_json(call.request.arguments);
  if (!request) return call.refuse(request.error());
  const bool names_files = !request->roots.empty() || call.request.data;
  if (request->kind == index::RunKind::kPair && call.request.data)
    return call.refuse({Errc::kInvalidArgument, "'pair' is for the whole index, and takes no files"});
  if ((!names_files && request->kind == index::RunKind::kAdd) || (!request->roots.empty() && call.request.data))
    return call.refuse({Errc::kInvalidArgument, "name files: either 'roots', or a list of paths as the body"});
  std::erase_if(streams_, [](const auto& entry) { return entry.second.expired(); });
  if (streams_.size() >= kMaxStreams)
    return call.refuse({Errc::kIndexLocked, "the daemon has enough indexing requests in its queue; try again later"});

  IndexCommand command{std::move(*request), call.arguments.has("features"), std::move(call.request.data)};
  if (command.list) {
    ::lseek(command.list.get(), 0, SEEK_SET);
    command.request.files_from_fd = command.list.get();
  }
  const auto stream = std::make_shared<Stream>(call.link, call.request.id);
  streams_[call.request.id] = stream;
  call.link->begin(call.request.id, 200, kLines);
  call.link->part(call.request.id, json_line({{"type", "begin"}, {"request", call.request.id}}), false);
  handler_.index(call.peer(), std::move(command), IndexReply(stream));
}

void ControlRequests::client_gone(uint64_t request) {
  readers_.forget(request);
  const auto found = streams_.find(request);
  if (found == streams_.end()) return;
  if (const auto stream = found->second.lock()) stream->client_gone();
  streams_.erase(found);
}

void ControlRequests::all_gone() {
  readers_.forget_all();
  for (const auto& [request, stream] : std::exchange(streams_, {}))
    if (const auto alive = stream.lock()) alive->client_gone();
}

}  // namespace pairloom::daemon
