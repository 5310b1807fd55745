//! Greeting and echo on an ESP32-C3 over WLAN, with an address from DHCP.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_time::Timer;
use esp_backtrace as _;
use esp_hal::clock::CpuClock;
use esp_hal::rng::{Trng, TrngSource};
use esp_hal::timer::timg::TimerGroup;
use esp_radio::wifi::sta::StationConfig;
use esp_radio::wifi::{AuthenticationMethodConfig, Config, Interface, WifiController};

esp_bootloader_esp_idf::esp_app_desc!();

/// The network's name and password, which the build takes from the environment.
const NETWORK: [Option<&str>; 2] = [option_env!("WLAN_NAME"), option_env!("WLAN_PASSWORD")];

#[esp_rtos::main]
async fn main(_spawner: Spawner) {
    esp_println::logger::init_logger(log::LevelFilter::Info);
    let p = esp_hal::init(esp_hal::Config::default().with_cpu_clock(CpuClock::max()));
    // The radio's library needs a heap of 100 KiB; the stack needs none. 64 KiB of the heap reuse the memory of the
    // bootloader, which is free once the program runs.
    esp_alloc::heap_allocator!(#[esp_hal::ram(reclaimed)] size: 64 * 1024);
    esp_alloc::heap_allocator!(size: 36 * 1024);
    esp_rtos::start(TimerGroup::new(p.TIMG0).timer0, p.FROM_CPU_INTR0);
    let mut seed = [0; 32];
    // Until the radio starts, the random generator needs the noise of the analogue-to-digital converter.
    let entropy = TrngSource::new(p.RNG, p.ADC1);
    Trng::try_new().expect("the random generator has its source").read(&mut seed);
    drop(entropy);

    let [Some(name), Some(password)] = NETWORK else {
        log::error!("no network: build with the variables WLAN_NAME and WLAN_PASSWORD");
        return;
    };
    let (Ok(name), Ok(password)) = (name.try_into(), password.try_into()) else {
        log::error!("WLAN_NAME or WLAN_PASSWORD is too long: build with at most 32 and 64 bytes");
        return;
    };
    let authentication = AuthenticationMethodConfig::Wpa2Personal(password);
    let config = StationConfig::default().with_ssid(name).with_authentication(authentication);
    let mut wlan = WifiController::new(p.WIFI, Default::default()).expect("the radio starts");
    wlan.set_config(&Config::Station(config)).expect("the configuration is valid");
    let stay_connected = async {
        loop {
            match wlan.connect_async().await {
                Ok(_) => _ = wlan.wait_for_disconnect_async().await,
                Err(error) => log::warn!("no connection to the network: {error:?}"),
            }
            Timer::after_secs(1).await;
        }
    };
    join(stay_connected, servers::serve(Interface::station(), seed)).await;
}
