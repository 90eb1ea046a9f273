// libFuzzer as a library. It has no header of its own; its documentation gives this declaration. Only a build by
// `Tools/check fuzz` links it.
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(
  int *_Nonnull argc, char *_Nullable *_Nonnull *_Nonnull argv,
  int (*_Nonnull run)(const uint8_t *_Nullable bytes, size_t byteCount));
