// The loader: any bytes at all as a script, on a phone with small limits.

#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

// The first line is the phone and its user, the rest the script.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
  input all = {data, data + bytes};
  input moves = input_line(&all);
  world mine;
  if (!world_open(&mine, &moves))
    return 0;
  for (size_t i = 0; i < WORLD_SCRIPTS; i++) {
    mine.codes[i] = (const char *)all.at;
    mine.codes_bytes[i] = (size_t)(all.end - all.at);
  }
  world_load(&mine, 0);
  for (int i = 0; i < 8 && !input_is_empty(&moves); i++)
    world_move(&mine, &moves);
  world_advance(&mine, 1000);
  world_check(&mine);
  world_close(&mine);
  return 0;
}
