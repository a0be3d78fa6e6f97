#include "index/pairing_row.h"

namespace pairloom::index {

Result<PairingState> stored_pairing(Database& db, Algorithm algorithm) {
  PairingState pairing;
  PAIRLOOM_ASSIGN(Query row, db.query("SELECT radius, position, wanted FROM pairing WHERE algorithm = ?", algorithm));
  PAIRLOOM_TRY(row.each([&] {
    pairing.radius = row.as<uint32_t>(0);
    pairing.position = row.as<uint64_t>(1);
    pairing.wanted = row.as<uint32_t>(2);
  }));
  return pairing;
}

}  // namespace pairloom::index
