#include "store.h"

void far_store_close(far_store *store) {
  if (store != NULL)
    store->close(store);
}

void far_class_deinit(far_memory *memory, far_class *found) {
  far_string_free(memory, found->script);
  far_string_free(memory, found->kind);
  *found = (far_class){0};
}
