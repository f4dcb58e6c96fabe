/* A libpcsclite with one reader: what is sent to its card goes to the socket named by CARD_SOCKET, each message with
 * its length in front (two bytes, high one first). Without CARD_SOCKET there is no reader. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <winscard.h>

const SCARD_IO_REQUEST g_rgSCardT0Pci = {SCARD_PROTOCOL_T0, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardT1Pci = {SCARD_PROTOCOL_T1, sizeof(SCARD_IO_REQUEST)};
const SCARD_IO_REQUEST g_rgSCardRawPci = {SCARD_PROTOCOL_RAW, sizeof(SCARD_IO_REQUEST)};

static const char readers[] = "Software 00\0";
static int card = -1;

static int whole(ssize_t (*move)(int, void *, size_t), unsigned char *bytes, size_t length) {
  while (length > 0) {
    ssize_t moved = move(card, bytes, length);
    if (moved <= 0) return 0;
    bytes += moved, length -= moved;
  }
  return 1;
}

static ssize_t put(int file, void *bytes, size_t length) { return write(file, bytes, length); }

LONG SCardEstablishContext(DWORD scope, LPCVOID one, LPCVOID two, LPSCARDCONTEXT context) {
  *context = 1;
  return getenv("CARD_SOCKET") ? SCARD_S_SUCCESS : SCARD_E_NO_SERVICE;
}

LONG SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR names, LPDWORD length) {
  if (names) memcpy(names, readers, sizeof readers);
  *length = sizeof readers;
  return SCARD_S_SUCCESS;
}

LONG SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD mode, DWORD wanted, LPSCARDHANDLE handle, LPDWORD protocol) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, getenv("CARD_SOCKET"), sizeof address.sun_path - 1);
  if (card >= 0) close(card);
  card = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(card, (struct sockaddr *)&address, sizeof address) != 0) return SCARD_E_NO_SMARTCARD;
  *handle = 1, *protocol = SCARD_PROTOCOL_T1;
  return SCARD_S_SUCCESS;
}

LONG SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *kind, LPCBYTE command, DWORD length,
                   SCARD_IO_REQUEST *answered, LPBYTE answer, LPDWORD room) {
  unsigned char head[2] = {length >> 8, length};
  if (!whole(put, head, 2) || !whole(put, (unsigned char *)command, length)) return SCARD_E_READER_UNAVAILABLE;
  if (!whole(read, head, 2)) return SCARD_E_READER_UNAVAILABLE;
  size_t size = head[0] << 8 | head[1];
  if (size > *room) return SCARD_E_INSUFFICIENT_BUFFER;
  *room = size;
  return whole(read, answer, size) ? SCARD_S_SUCCESS : SCARD_E_READER_UNAVAILABLE;
}

LONG SCardStatus(SCARDHANDLE handle, LPSTR names, LPDWORD names_length, LPDWORD state, LPDWORD protocol, LPBYTE atr,
                 LPDWORD atr_length) {
  if (names_length) *names_length = 0;
  if (state) *state = SCARD_PRESENT | SCARD_POWERED;
  if (protocol) *protocol = SCARD_PROTOCOL_T1;
  if (atr_length) *atr_length = 0;
  return SCARD_S_SUCCESS;
}

LONG SCardReconnect(SCARDHANDLE handle, DWORD mode, DWORD wanted, DWORD how, LPDWORD protocol) {
  *protocol = SCARD_PROTOCOL_T1;
  return SCARD_S_SUCCESS;
}

/* No pin pad. */
LONG SCardControl(SCARDHANDLE handle, DWORD code, LPCVOID in, DWORD in_length, LPVOID out, DWORD room, LPDWORD length) {
  *length = 0;
  return SCARD_S_SUCCESS;
}

LONG SCardReleaseContext(SCARDCONTEXT context) { return SCARD_S_SUCCESS; }
LONG SCardIsValidContext(SCARDCONTEXT context) { return SCARD_S_SUCCESS; }
LONG SCardDisconnect(SCARDHANDLE handle, DWORD how) { return SCARD_S_SUCCESS; }
LONG SCardBeginTransaction(SCARDHANDLE handle) { return SCARD_S_SUCCESS; }
LONG SCardEndTransaction(SCARDHANDLE handle, DWORD how) { return SCARD_S_SUCCESS; }
LONG SCardCancel(SCARDCONTEXT context) { return SCARD_S_SUCCESS; }
LONG SCardFreeMemory(SCARDCONTEXT context, LPCVOID memory) { return SCARD_S_SUCCESS; }
LONG SCardListReaderGroups(SCARDCONTEXT context, LPSTR groups, LPDWORD length) { return SCARD_E_INVALID_VALUE; }
LONG SCardGetStatusChange(SCARDCONTEXT context, DWORD wait, SCARD_READERSTATE *states, DWORD count) { return SCARD_E_TIMEOUT; }
LONG SCardGetAttrib(SCARDHANDLE handle, DWORD what, LPBYTE value, LPDWORD length) { return SCARD_E_INVALID_VALUE; }
LONG SCardSetAttrib(SCARDHANDLE handle, DWORD what, LPCBYTE value, DWORD length) { return SCARD_E_INVALID_VALUE; }
