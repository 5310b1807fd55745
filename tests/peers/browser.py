# Opens the status page in a headless Chromium, controlled by its debugging pipe: browser.py URL ECHO-HOST ECHO-PORT
# [FOLDER]. The script opens a connection to the echo server, and checks that the page shows this connection and later
# removes it. Then the script opens a connection to the greeting server on port 9999, and checks that the page shows how
# the state of this connection changes. The script prints a line for each observation, and writes screenshots to FOLDER.
# If ECHO-HOST is "-", the script only checks that the page shows the page's own connection.
import base64, json, os, shutil, signal, socket, subprocess, sys, tempfile, threading, time

URL, HOST, PORT = sys.argv[1:4]
FOLDER = sys.argv[4] if len(sys.argv) > 4 else None
PATIENCE = 60

FLAGS = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--hide-scrollbars', '--remote-debugging-pipe']

class Browser:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix='smolstep-chromium-')
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()
        def pipes():
            # Chromium reads commands from 3 and writes answers to 4.
            os.dup2(os.dup(to_browser), 3) if to_browser != 3 else None
            os.dup2(os.dup(from_browser), 4) if from_browser != 4 else None
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)
        self.process = subprocess.Popen(['chromium', *FLAGS, f'--user-data-dir={self.profile}', 'about:blank'], close_fds=False,
                                        preexec_fn=pipes, start_new_session=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.rest, self.complaints, self.session = 0, b'', [], None

    def call(self, method, **params):
        self.number += 1
        message = {'id': self.number, 'method': method, 'params': params}
        if self.session:
            message['sessionId'] = self.session
        os.write(self.out, json.dumps(message).encode() + b'\0')
        while True:
            answer = self.receive()
            if answer.get('id') == self.number:
                if 'error' in answer:
                    sys.exit(f'{method}: {answer["error"]}')
                return answer['result']
            if answer.get('method') in ('Log.entryAdded', 'Runtime.exceptionThrown'):
                self.complaints.append(answer['params'])

    def receive(self):
        while b'\0' not in self.rest:
            more = os.read(self.into, 65536)
            if not more:
                sys.exit('Chromium has ended')
            self.rest += more
        first, self.rest = self.rest.split(b'\0', 1)
        return json.loads(first)

    def open(self, url):
        target = self.call('Target.createTarget', url='about:blank')['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
        for domain in 'Page', 'Runtime', 'Log':
            self.call(f'{domain}.enable')
        self.call('Page.navigate', url=url)

    def value(self, expression):
        return self.call('Runtime.evaluate', expression=expression, returnByValue=True)['result'].get('value')

    def wait_for(self, what, expression):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if value := self.value(expression):
                return value
            time.sleep(0.02)
        sys.exit(f'no {what} on the page: {self.value("document.body.innerText")}')

    def picture(self, name, width, height, scheme):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])
        data = self.call('Page.captureScreenshot', format='png')['data']
        with open(os.path.join(FOLDER, name), 'wb') as file:
            file.write(base64.b64decode(data))

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

ROWS = "[...document.querySelectorAll('#connections tbody tr')].map(r => [...r.cells].map(c => c.innerText))"
STATE = ROWS + ".filter(r => r[2].endsWith(':%d')).map(r => r[0] + ' ' + r[1] + ' ' + r[4] + ' ' + r[5])[0]"

def established(state):
    # The page can show a connection before its handshake is complete.
    return f"({state} || '').includes(' ESTABLISHED ') && {state}"

def main(browser):
    browser.open(URL)
    print(browser.wait_for('title', "document.querySelector('h1') && document.title"), flush=True)
    browser.wait_for('"live"', "document.getElementById('live').textContent == 'live'")
    own = browser.wait_for('own connection', ROWS + ".filter(r => r[0] == 'http, live')[0]")
    print('own', own[0], own[1], flush=True)
    if HOST != '-':
        echo = socket.create_connection((HOST, int(PORT)), PATIENCE)
        state = STATE % echo.getsockname()[1]
        print('came', browser.wait_for('connection', established(state)), flush=True)
        echo.sendall(b'hello')
        print('talked', browser.wait_for('bytes', f"({state} || '').endsWith('5 5') && {state}"), flush=True)
        if FOLDER:
            browser.picture('light.png', 1000, 1250, 'light')
            browser.picture('dark.png', 1000, 1250, 'dark')
            browser.picture('narrow.png', 390, 844, 'light')
        echo.close()
        browser.wait_for('end', f"!{state}")
        print('went', flush=True)
        # The greeting server closes first, so the page must show the new state of this connection.
        greeting = socket.create_connection((HOST, 9999), PATIENCE)
        state = STATE % greeting.getsockname()[1]
        print('came', *browser.wait_for('connection', established(state)).split()[:2], flush=True)
        greeting.sendall(b'exit')
        print('closed', *browser.wait_for('other state', f"({state} || '').includes('FIN-WAIT-2') && {state}").split()[:2], flush=True)
        greeting.close()
        browser.wait_for('end', f"!{state}")
    if browser.complaints:
        sys.exit(f'Chromium complains: {browser.complaints}')

browser = Browser()
# The watchdog kills the browser if this script hangs.
watchdog = threading.Timer(3 * PATIENCE, browser.end)
watchdog.daemon = True
watchdog.start()
try:
    main(browser)
finally:
    browser.end()
