// HttpServer: the control socket's HTTP side. httplib parses requests, routes them and writes answers; connections,
// their number and their patience are ours. A request becomes a question to the supervisor (control/exchange.h); what it
// answers is passed on. One request a connection. Runs in: pairloom-control.
#pragma once

#include <httplib.h>
#include <map>
#include <mutex>
#include <string>

#include "base/fd.h"
#include "base/json_text.h"
#include "base/result.h"
#include "control/client_stream.h"
#include "control/exchange.h"
#include "control/peer.h"
#include "control/upload.h"

namespace pairloom::control {

struct ConnectionLimits {
  size_t connections = 64;           // at a time; more are told to come again
  size_t connections_of_a_user = 48; // so that one user's slow clients leave room for others
};

class HttpServer final : public httplib::Server {
 public:
  HttpServer(Exchange& exchange, const ClientLimits& client, const ConnectionLimits& connections);

  // Accepts clients at this listening socket, for ever; each gets a thread. Returns when accepting fails.
  Error serve(const Fd& listening);

 private:
  struct Connection;
  struct Route;
  static const Route kRoutes[];

  void add_routes();
  void accept_one(Fd socket);
  void talk(Connection& connection);
  void handle(const Route& route, const httplib::Request& request, httplib::Response& response,
              const httplib::ContentReader* body);
  Result<Upload> receive_body(const httplib::Request& request, const httplib::ContentReader* reader);
  void pass_on(const std::shared_ptr<Answer>& answer, const Route& route, bool chunked, httplib::Response& response);

  static thread_local Connection* current_;  // the thread's
  Exchange& exchange_;
  const ClientLimits client_limits_;
  const ConnectionLimits connection_limits_;
  std::mutex mutex_;
  size_t connections_ = 0;
  std::map<uid_t, size_t> connections_of_;
};

}  // namespace pairloom::control
